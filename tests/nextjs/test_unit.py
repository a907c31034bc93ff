"""The texts of unit and site. `golden/` holds them as they should be; look at a difference before replacing one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from provisioner.nextjs.settings import read_settings
from provisioner.nextjs.unit import site_text, unit_text

GOLDEN = Path(__file__).parent / "golden"


def unit(machine: str = "x86_64", *, signals: bool = True, sharp: bool = False, **args: Any) -> str:
    settings = read_settings({"name": "shop", "source": "s", **args})
    return unit_text(settings, node="22.23.3", machine=machine, manual_signal_handling=signals, sharp=sharp)


def site(*, ipv6: bool = True, **args: Any) -> str:
    return site_text(read_settings({"name": "shop", "source": "s", **args}), ipv6=ipv6)


@pytest.mark.parametrize(("name", "text"), [
    ("shop.service", unit(memory_max="900M")),
    ("plain.service", unit(signals=False, sharp=True, jemalloc=False, user="web", port=3005, listen="::1")),
    ("shop.conf", site(domain=["shop.example.com", "www.shop.example.com"])),
    ("every-name.conf", site(ipv6=False, listen="0.0.0.0", port=3005)),
])  # fmt: skip
def test_the_text_is_the_expected_one(name: str, text: str) -> None:
    assert text == (GOLDEN / name).read_text()


def test_jemalloc_is_named_by_architecture_or_left_out() -> None:
    assert "LD_PRELOAD=/usr/lib/aarch64-linux-gnu/libjemalloc.so.2" in unit("aarch64")
    assert "LD_PRELOAD" not in unit("riscv64")


def test_memory_is_never_protected_against_execution() -> None:
    assert "MemoryDenyWriteExecute=" not in unit()


def test_an_app_that_listens_on_ipv6_is_proxied_there() -> None:
    assert "server [::1]:3000;" in site(listen="::")
