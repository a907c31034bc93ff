"""A machine that only builds: reserved, made ready and given back, on a machine that answers from a list."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from provisioner.diag import ProvisionError
from provisioner.messages import Target
from provisioner.nextjs import workplace
from provisioner.nextjs.hosts import Host
from provisioner.nextjs.plan import Place
from provisioner.nextjs.settings import read_settings
from provisioner.testing.answering import AnsweringHost
from provisioner.testing.driving import bench
from provisioner.values import HostName

SETTINGS = read_settings({"name": "shop", "source": "s"})


def builder(
    holders: list[str | None], account: dict[str, Any] | None = None, *, check: bool = False, user: str | None = "shop"
) -> tuple[Host, AnsweringHost]:
    """holders: who else has the place, each time it is asked for."""

    def answer(host: HostName, module: str, args: Mapping[str, Any]) -> Mapping[str, Any]:
        if module == "nextjs_reserve" and args.get("state") != "free":
            return {"holder": holders.pop(0)}
        return {"account": account, "changed": module == "user"}

    call = AnsweringHost(HostName("web1"), answer, check=check)
    host = Host(call, SETTINGS, place=Place("/cache/apps/shop", HostName("builder"), user))
    host.facts = {"account": account}
    return host, call


def asked(call: AnsweringHost) -> list[str]:
    return [f"{module} {args['state']}" if "state" in args else module for module, args in call.asked]


def test_it_waits_for_another_build_and_gives_the_place_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workplace, "AGAIN", 0.0)
    host, call = builder(["process 7, for 3 s", "process 7, for 5 s", None], {"uid": 999})
    with workplace.reserved(host):
        assert asked(call) == [*["nextjs_reserve"] * 3, "nextjs_tree", "nextjs_place"]
    assert asked(call)[-1] == "nextjs_reserve free"
    assert len({args["token"] for module, args in call.asked if module == "nextjs_reserve"}) == 1
    assert {args["place"] for _, args in call.asked} == {"/cache/apps/shop"}


def test_an_account_is_made_where_there_is_none() -> None:
    host, call = builder([None])
    with workplace.reserved(host):
        pass
    assert asked(call)[:4] == ["nextjs_reserve", "group", "user", "nextjs_tree"]
    made = next(args for module, args in call.asked if module == "user")
    assert (made["name"], made["shell"], made["home"]) == ("shop", "/usr/sbin/nologin", "/cache/apps/shop")
    assert call.steps == ["Make the app's user on builder"]


def test_no_account_is_made_where_we_are_not_root() -> None:
    host, call = builder([None], user=None)
    with workplace.reserved(host):
        pass
    assert "user" not in asked(call)
    assert next(args for module, args in call.asked if module == "nextjs_tree").get("user") is None


def test_it_is_given_back_after_a_failure_and_a_loss_is_told_once() -> None:
    host, call = builder([None], {"uid": 999})

    def work() -> None:
        with workplace.reserved(host):
            call.answer = _lost
            raise ProvisionError("the build failed")

    with pytest.raises(ProvisionError, match="the build failed"):
        work()
    assert asked(call)[-1] == "nextjs_reserve free"


def _lost(host: HostName, module: str, args: Mapping[str, Any]) -> Mapping[str, Any]:
    raise ProvisionError("builder can't be reached")


def test_check_mode_predicts_the_account_and_reserves_nothing() -> None:
    host, call = builder([], check=True)
    with workplace.reserved(host):
        assert asked(call) == ["group", "user"]
    assert asked(call) == ["group", "user"]


def test_this_machine_is_looked_at_reserved_and_made_ready_for_real(tmp_path: Path) -> None:
    target = Target(HostName("web"), connection="local")
    with bench([target], {}, scratch=tmp_path) as run:
        host = workplace.on_controller(Host(run.calls[0], SETTINGS), tmp_path)
        assert host.user is None
        with workplace.reserved(host):
            assert {path.name for path in (tmp_path / "apps/shop").iterdir()} == {"build", "lock", "releases"}
            assert (tmp_path / "apps/shop/lock").read_text()
        assert not (tmp_path / "apps/shop/lock").read_text()
