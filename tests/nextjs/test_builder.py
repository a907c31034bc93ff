"""Who builds, and when a machine that does not run the app is asked at all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from provisioner.actions.base import Driving
from provisioner.diag import ProvisionError
from provisioner.nextjs.builder import Builder, leading
from provisioner.nextjs.detect import App
from provisioner.nextjs.hosts import Host, StepFailed
from provisioner.nextjs.managers import Install
from provisioner.nextjs.settings import read_settings
from provisioner.nextjs.source import Tree
from provisioner.testing.answering import AnsweringHost
from provisioner.values import HostName

NODE = {"installed": ["22.3.0"], "machine": "x86_64", "arch": "x64", "libc": "2.36"}
APP = App("16.0.0", Install("npm", "package-lock.json", ("npm", "ci"), ("npm", "run", "build")))


@dataclass(slots=True)
class WithBuilder(AnsweringHost):
    """A host of a play whose inventory has a further one, `builder`, which answers `elsewhere`."""

    elsewhere: Mapping[str, Any] = field(default_factory=dict)

    def on_host(self, name: str) -> Driving | None:
        if name != "builder":
            return None
        return AnsweringHost(self.host, lambda host, module, args: self.elsewhere, self.asked, self.steps)


def hosts(on: str, elsewhere: Mapping[str, Any] | None = None) -> list[Host]:
    """web1 and web2, of which nothing is known but that they could run the app."""
    settings = read_settings({"name": "shop", "source": "s", "build": {"on": on}})
    made = []
    for name in ("web1", "web2"):
        call = WithBuilder(HostName(name), lambda host, module, args: {}, elsewhere=elsewhere or {})
        made.append(Host(call, settings, facts={"node": NODE, "releases": []}))
    return made


def answers(**changes: Any) -> dict[str, Any]:
    """What `nextjs_place` tells of a machine that has built nothing yet."""
    place = "/var/cache/provisioner/nextjs/apps"
    return {"place": f"{place}/shop", "root": True, "account": None, "node": NODE, "releases": [],
            "space": {f"{place}/{name}": {"free": 1 << 40, "device": 1} for name in ("shop", "node")},
            "memory": {"MemAvailable": 1 << 40, "SwapFree": 0}, **changes}  # fmt: skip


def builder(among: list[Host], tmp_path: Path) -> Builder:
    return Builder(leading(among), among, Tree(tmp_path, {"package.json": "1"}, "d1"), APP, tmp_path, tmp_path)


def asked(host: Host) -> list[str]:
    assert isinstance(host.call, AnsweringHost)
    return [module for module, _ in host.call.asked]


@pytest.mark.parametrize(("on", "leads", "elsewhere"), [
    ("first", "web1", False), ("web2", "web2", False), ("controller", "web1", True), ("builder", "web1", True),
])  # fmt: skip
def test_one_host_leads_whoever_builds(on: str, leads: str, elsewhere: bool, tmp_path: Path) -> None:
    made = builder(hosts(on), tmp_path)
    assert (made.lead.name, made.is_elsewhere) == (leads, elsewhere)
    assert made.share(made.lead).builds is not elsewhere


def test_a_host_of_the_play_that_does_not_take_part_is_refused() -> None:
    with pytest.raises(ProvisionError, match=r"`build: \{on: web3\}` is none of the hosts that get this build now"):
        leading(hosts("web3"))


def test_nobody_is_asked_while_a_host_has_the_release(tmp_path: Path) -> None:
    among = hosts("builder", answers())
    made = builder(among, tmp_path)
    made.look_elsewhere(among)
    assert asked(among[0]) == ["nextjs_place"]
    release = {"id": "r1", "fingerprint": made._keys(among[0], "22.3.0")[1], "manifest": "m1"}
    among = hosts("builder", answers())
    among[1].facts = {"node": NODE, "releases": [release]}
    made = builder(among, tmp_path)
    made.look_elsewhere(among)
    shipment = made.prepare("22.3.0")
    assert shipment.holder is among[1]
    assert asked(among[0]) == []


def test_what_the_builder_has_is_not_built_again(tmp_path: Path) -> None:
    among = hosts("builder", answers())
    release = {"id": "r1", "fingerprint": builder(among, tmp_path)._keys(among[0], "22.3.0")[1], "manifest": "m1"}
    among = hosts("builder", answers(releases=[release]))
    made = builder(among, tmp_path)
    made.look_elsewhere(among)
    shipment = made.prepare("22.3.0")
    assert shipment.release.about == release
    assert str(shipment.holder.place) == "builder"
    assert shipment.holder.user == "shop"
    assert asked(among[0]) == ["nextjs_place"]


def test_what_speaks_against_the_builder_is_told_before_anything_is_done(tmp_path: Path) -> None:
    among = hosts("builder", answers(node={**NODE, "machine": "aarch64"}))
    with pytest.raises(StepFailed, match=r"Preflight of builder: the processor of builder \(aarch64\) is not that of "):
        builder(among, tmp_path).look_elsewhere(among)
    assert asked(among[0]) == ["nextjs_place"]


def test_one_who_is_not_root_there_builds_as_that_one(tmp_path: Path) -> None:
    among = hosts("builder", answers(root=False))
    made = builder(among, tmp_path)
    made.look_elsewhere(among)
    assert made._workplace is not None
    assert made._workplace.user is None
