"""What speaks against building on a machine that does not run the app."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.nextjs.plan import Place
from provisioner.nextjs.preflight_host import GIB, MIB
from provisioner.nextjs.preflight_place import of_place
from provisioner.nextjs.settings import read_settings
from provisioner.values import HostName

HERE = "/var/cache/provisioner/nextjs/apps"
BUILDER = Place(f"{HERE}/shop", HostName("builder"), "shop")


def node(machine: str = "x86_64", libc: str | None = "2.36", **more: Any) -> dict[str, Any]:
    return {"installed": [], "machine": machine, "arch": "x64", "libc": libc, **more}


def space(free: int) -> dict[str, Any]:
    return {f"{HERE}/{name}": {"free": free, "device": 1} for name in ("shop", "node")}


def found(place: Place = BUILDER, hosts: dict[str, dict[str, Any]] | None = None, **changes: Any) -> dict[str, bool]:
    """Texts -> whether they stop it. hosts: name -> what is known of their Node.js."""
    facts = {"node": node(), "account": None, "releases": [], "space": space(20 * GIB),
             "memory": {"MemAvailable": 3 * GIB, "SwapFree": 0}, **changes}  # fmt: skip
    others = {HostName(name): {"node": known} for name, known in (hosts or {"web1": node()}).items()}
    settings = read_settings({"name": "shop", "source": "s"})
    return {one.text: one.stops for one in of_place(settings, place, facts, others, "22")}


def test_a_machine_like_the_hosts_is_fine() -> None:
    assert found() == {}
    assert found(account={"uid": 999, "shell": "/usr/sbin/nologin", "home": "/x", "comment": ""}) == {}
    assert found(account={"uid": 1000, "shell": "/bin/sh", "home": "/x", "comment": "Next.js app shop"}) == {}


@pytest.mark.parametrize(("place", "name"), [(BUILDER, "builder"), (Place("/x/apps/shop"), "this machine")])
def test_another_processor_is_refused_with_the_hosts_that_have_it(place: Place, name: str) -> None:
    hosts = {"web1": node(), "web2": node("aarch64"), "web3": node("aarch64")}
    told = found(place, hosts, space={path: {"free": 9 * GIB, "device": 1}
                                      for path in (place.path, "/x/apps/node", f"{HERE}/node")})  # fmt: skip
    assert told == {f"the processor of {name} (x86_64) is not that of web2 (aarch64), web3 (aarch64): packages with "
                    "programs in them would not run there": True}  # fmt: skip


def test_a_processor_without_node_is_refused() -> None:
    told = found(hosts={"web1": node("riscv64")}, node=node("riscv64", arch=None))
    assert told == {"there is no Node.js for the processor of builder (riscv64)": True}


@pytest.mark.parametrize(("here", "there", "words", "stops"), [
    ("2.36", None, "the C library of builder (glibc 2.36) is not that of web1 (another one)", True),
    (None, "2.36", "the C library of builder (another one) is not that of web1 (glibc 2.36)", True),
    ("2.39", "2.36", "builder has glibc 2.39, which is newer than the 2.36 of web1", False),
    ("2.100", "2.36", "builder has glibc 2.100, which is newer", False),
])  # fmt: skip
def test_the_c_library_must_fit(here: str | None, there: str | None, words: str, stops: bool) -> None:
    (told,) = found(hosts={"web1": node(libc=there)}, node=node(libc=here)).items()
    assert words in told[0]
    assert told[1] is stops


@pytest.mark.parametrize(("here", "there"), [("2.31", "2.36"), ("2.36", "2.36"), (None, None)])
def test_an_older_c_library_is_fine(here: str | None, there: str | None) -> None:
    assert found(hosts={"web1": node(libc=there)}, node=node(libc=here)) == {}


def test_facts_that_an_earlier_version_did_not_tell_are_no_difference() -> None:
    unknown = {"installed": [], "machine": "x86_64", "arch": "x64"}
    assert found(hosts={"web1": unknown}, node=unknown) == {}


def test_the_account_of_a_person_does_not_build() -> None:
    account = {"uid": 1000, "shell": "/bin/bash", "home": "/home/shop", "comment": ""}
    (told,) = found(account=account).items()
    assert told[0].startswith("the user `shop` is there already on builder and can log in (shell /bin/bash")
    assert told[1]
    assert found(Place(BUILDER.path, HostName("builder")), account=account) == {}  # built as whoever we are


def test_room_is_needed_for_the_build_and_for_node() -> None:
    (told,) = found(space=space(GIB)).items()
    assert told == ("the disk of builder has 1.0 GiB free, but should have 1.8 GiB (1.5 GiB at "
                    f"{HERE}/shop for a first build; 300 MiB at {HERE}/node for Node.js)", True)  # fmt: skip
    assert found(space=space(1700 * MIB), node=node(installed=["22.3.0"])) == {}


def test_little_memory_is_a_warning() -> None:
    (told,) = found(memory={"MemAvailable": GIB, "SwapFree": 512 * MIB}).items()
    assert told[0].startswith("builder has 1.0 GiB of memory available and 512 MiB of swap")
    assert not told[1]
