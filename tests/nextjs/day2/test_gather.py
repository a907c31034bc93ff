"""Which app is meant, and which hosts have it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from provisioner.diag import HostUnreachable, UsageError
from provisioner.nextjs.day2.gather import ask
from provisioner.testing.answering import answering, calls
from provisioner.values import HostName

APPS = {"web-1": ["admin", "shop"], "web-2": ["shop"], "db": []}


def host(name: HostName, module: str, args: Mapping[str, Any]) -> Mapping[str, Any]:
    assert module == "nextjs_report"
    if name == "lost":
        raise HostUnreachable("no route to lost")
    apps = APPS[name]
    wanted = args.get("name") or (apps[0] if len(apps) == 1 else None)
    return {"apps": apps, "app": {"name": wanted} if wanted in apps else None}


def test_only_the_hosts_that_have_the_app_are_meant() -> None:
    found = ask(calls(answering(["web-1", "web-2", "db"], host)), "shop")
    assert sorted(found.reports) == ["web-1", "web-2"]
    assert found.others[HostName("db")]["skipped"]


def test_the_name_may_be_left_out_where_there_is_only_one() -> None:
    assert ask(calls(answering(["web-2", "db"], host)), None).app == "shop"


@pytest.mark.parametrize(("hosts", "name", "words", "hint"), [
    (["web-1"], None, "several apps", "admin, shop"),
    (["web-1", "web-2"], "shpo", "no app 'shpo' on these 2 hosts", "did you mean `shop`?"),
    (["web-2"], "zzz", "no app 'zzz' on this host", "there is shop"),
    (["db"], None, "no app is deployed", "`provision apply` with `nextjs_app` deploys one"),
])  # fmt: skip
def test_what_is_not_there_or_not_clear_is_said_with_what_there_is(
    hosts: list[str], name: str | None, words: str, hint: str
) -> None:
    with pytest.raises(UsageError, match=words) as caught:
        ask(calls(answering(hosts, host)), name)
    assert caught.value.hint == hint


def test_a_host_that_can_not_be_asked_is_no_proof_that_the_app_is_nowhere() -> None:
    found = ask(calls(answering(["db", "lost"], host)), "shop")
    assert found.reports == {}
    assert found.others[HostName("lost")] == {"failed": True, "msg": "no route to lost", "unreachable": True}
