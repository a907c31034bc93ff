"""The text of an app's site. `golden/` holds them as they should be; look at a difference before replacing one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from provisioner.nextjs.settings import read_settings
from provisioner.nextjs.site import site_text

GOLDEN = Path(__file__).parent / "golden"
NAMES = ["shop.example.com", "www.shop.example.com"]
OWN = {"certificate": "shop.pem", "key": "shop.key"}
ACME = {"acme": {"email": "ops@example.com"}}
PRIVATE = {"acme": {"email": "ops@example.com", "ca": "https://ca.example.com/dir", "ca_root": "ca.pem"}}
PEERS = ("10.0.0.2", "fd00::3")


def site(*, ipv6: bool = True, stage: Any = "whole", peers: tuple[str, ...] = (), **args: Any) -> str:
    settings = read_settings({"name": "shop", "source": "s", **args})
    return site_text(settings, ipv6=ipv6, taken={}, peers=peers, stage=stage)


TEXTS = {
    "shop.conf": site(domain=NAMES),
    "every-name.conf": site(ipv6=False, listen="0.0.0.0", port=3005),
    "routed.conf": site(name="my-shop", instances=2, previous="route"),
    "own.conf": site(domain=NAMES, https=OWN, headers={"Strict-Transport-Security": "max-age=31536000"}),
    "acme.conf": site(domain=NAMES, https=ACME, peers=PEERS),
    "acme-plain.conf": site(domain=NAMES, https=ACME, stage="plain"),
    "shop.caddy": site(domain=NAMES, proxy="caddy"),
    "every-name.caddy": site(proxy="caddy", headers={"X-Frame-Options": None}),
    "routed.caddy": site(name="my-shop", instances=2, previous="route", proxy="caddy"),
    "own.caddy": site(domain=NAMES, https=OWN, proxy="caddy",
                      headers={"Strict-Transport-Security": "max-age=31536000"}),
    "acme.caddy": site(domain=NAMES, https=PRIVATE, proxy="caddy", peers=PEERS),
    "acme-waiting.caddy": site(domain=NAMES, https=ACME, proxy="caddy", stage="waiting"),
    "acme-plain.caddy": site(domain=NAMES, https=ACME, proxy="caddy", stage="plain", peers=PEERS),
}  # fmt: skip


@pytest.mark.parametrize("name", TEXTS)
def test_the_text_is_the_expected_one(name: str) -> None:
    assert TEXTS[name] == (GOLDEN / name).read_text()


def test_the_site_is_the_same_whatever_slot_is_live() -> None:
    """A release must not need a reload."""
    for proxy in ("nginx", "caddy"):
        settings = read_settings({"name": "shop", "source": "s", "proxy": proxy})
        for slot in ("a", "b", "c"):
            taken = {slot: settings.upstreams_of(slot)}
            assert site_text(settings, ipv6=True, taken=taken) == site_text(settings, ipv6=True, taken={})


def test_without_headers_there_is_nothing_about_them() -> None:
    none = dict.fromkeys(("X-Frame-Options", "X-Content-Type-Options", "Referrer-Policy"))
    assert "Headers" not in site(headers=none)
    assert "header {" not in site(headers=none, proxy="caddy")
