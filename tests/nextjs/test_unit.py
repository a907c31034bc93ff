"""The text of the unit. `golden/` holds them as they should be; look at a difference before replacing one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from provisioner.nextjs.settings import read_settings
from provisioner.nextjs.unit import unit_text
from provisioner.remote.nextjs.slots import upstream_of

GOLDEN = Path(__file__).parent / "golden"


def unit(machine: str = "x86_64", *, slot: str = "a", signals: bool = True, sharp: bool = False, **args: Any) -> str:
    settings = read_settings({"name": "shop", "source": "s", **args})
    return unit_text(settings, slot, node="22.23.3", machine=machine, manual_signal_handling=signals, sharp=sharp)


@pytest.mark.parametrize(("name", "text"), [
    ("shop.service", unit(memory_max="900M")),
    ("plain.service", unit(
        slot="single", signals=False, sharp=True, jemalloc=False, user="web", port=3005, listen="::1")),
])  # fmt: skip
def test_the_text_is_the_expected_one(name: str, text: str) -> None:
    assert text == (GOLDEN / name).read_text()


def test_jemalloc_is_named_by_architecture_or_left_out() -> None:
    assert "LD_PRELOAD=/usr/lib/aarch64-linux-gnu/libjemalloc.so.2" in unit("aarch64")
    assert "LD_PRELOAD" not in unit("riscv64")


def test_memory_is_never_protected_against_execution() -> None:
    assert "MemoryDenyWriteExecute=" not in unit()


def test_each_slot_has_its_own_port_link_and_variables() -> None:
    second = unit(slot="b", port=4999)
    assert "WorkingDirectory=/srv/shop/slots/b\n" in second
    assert "EnvironmentFile=/etc/shop/b.env\n" in second
    assert " -p 5000\n" in second


def test_a_standalone_release_is_started_by_its_own_server() -> None:
    text = unit(slot="b", mode="standalone", app="apps/web")
    assert "WorkingDirectory=/srv/shop/slots/b/apps/web\n" in text
    assert "Environment=HOSTNAME=127.0.0.1 PORT=3001\nExecStart=/opt/node/22.23.3/bin/node server.js\n" in text
    assert "/srv/shop/slots/b/apps/web/.next/server" in text


@pytest.mark.parametrize("mode", ["server", "standalone"])
@pytest.mark.parametrize(("listen", "upstream"), [
    ("127.0.0.1", "127.0.0.1:3000"), ("0.0.0.0", "127.0.0.1:3000"), ("::", "[::1]:3000"), ("10.1.2.3", "10.1.2.3:3000"),
])  # fmt: skip
def test_the_web_server_reaches_the_app_where_its_unit_lets_it_listen(listen: str, upstream: str, mode: str) -> None:
    assert upstream_of(unit(listen=listen, mode=mode)) == upstream
