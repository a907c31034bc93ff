"""What becomes of the user's Caddyfile."""

from __future__ import annotations

import pytest

from provisioner.remote.nextjs.caddy import IMPORT, wanted_front
from provisioner.testing.inprocess import make_context

THEIRS = "other.test {\n\trespond hello\n}\n"


@pytest.mark.parametrize("only", [True, False])
def test_a_caddyfile_of_the_user_is_kept_and_imports_our_sites(only: bool) -> None:
    wanted = wanted_front(make_context(), THEIRS, only)
    assert wanted.startswith(THEIRS)
    assert wanted.rstrip().endswith(IMPORT)
    assert wanted_front(make_context(), wanted, only) == wanted


def test_one_that_imports_them_already_stays_as_it_is() -> None:
    found = f"\timport   conf.d/*.caddy\n{THEIRS}"
    assert wanted_front(make_context(), found, only=False) == found


def test_without_one_there_is_one_with_our_sites() -> None:
    assert IMPORT in wanted_front(make_context(), None, only=True)
    assert IMPORT in wanted_front(make_context(), "", only=False)


def test_a_line_that_does_not_end_is_ended() -> None:
    assert wanted_front(make_context(), "# mine", only=False).startswith("# mine\n\n")
