"""Names and fields of the account files."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioner.remote import accounts
from provisioner.remote.sdk import ModuleFailed
from provisioner.testing.inprocess import make_context

CONTEXT = make_context()


@pytest.mark.parametrize(
    "name", ["deploy", "www-data", "_apt", "first.last", "User1", "machine$", "a@example.com", "0day"]
)
def test_usual_names_are_allowed(name: str) -> None:
    accounts.check_name(CONTEXT, "user", name)


@pytest.mark.parametrize(
    "name", ["", "-r", "--root=/x", "a b", "a:b", "a\nroot", "a,b", "$(id)", "a;b", "a/b", "a\0", "x" * 300, "é"]
)
def test_names_that_would_break_something_are_refused(name: str) -> None:
    with pytest.raises(ModuleFailed, match="can't be the name of a user"):
        accounts.check_name(CONTEXT, "user", name)


@given(st.text(max_size=12))
def test_no_allowed_name_is_an_option_or_more_than_one_field(name: str) -> None:
    try:
        accounts.check_name(CONTEXT, "user", name)
    except ModuleFailed:
        return
    assert not name.startswith("-")
    assert not set(name) & set(":,/\n\r\0 \t;$`'\"|&<>()") - {"$"}
    assert name.count("$") <= int(name.endswith("$"))


@given(st.text(max_size=12))
def test_no_allowed_field_ends_its_field_or_line(value: str) -> None:
    try:
        accounts.check_field(CONTEXT, "comment", value)
    except ModuleFailed:
        return
    assert not set(value) & set(":\n\r\0")


def test_finds_who_is_on_every_system() -> None:
    root = accounts.find_user(CONTEXT, "root")
    assert root is not None
    assert (root.uid, root.gid, root.home) == (0, 0, "/root")
    assert accounts.find_user(CONTEXT, "no-such-user") is None
    group = accounts.find_group(CONTEXT, "0")
    assert group is not None
    assert group.name == "root"
    assert accounts.group_name(CONTEXT, 0) == "root"
    assert accounts.group_name(CONTEXT, 987654) == "987654"


def test_in_check_mode_predictions_count() -> None:
    context = make_context(check=True, predicted={"user": {"soon": {"kind": "present"}, "root": {"kind": "absent"}}})
    assert accounts.is_there(context, "user", "soon")
    assert not accounts.is_there(context, "user", "root")
    assert not accounts.is_there(context, "user", "never")
