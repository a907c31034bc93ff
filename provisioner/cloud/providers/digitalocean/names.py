"""Names of what can have no tags: firewalls, networks, keys. `provision-<site>--<name>--<region>`, so that nothing of
another site is ever taken for ours, even where one site is called `shop` and another `shop-eu`. Pure."""

from __future__ import annotations

import re
from typing import Final

_START: Final = "provision-"
_BETWEEN: Final = "--"


def full(site: str, name: str, region: str) -> str:
    """Letters, digits, dashes and dots; anything else, and two dashes in a row, as a dot and two hexadecimal digits."""
    return _START + _BETWEEN.join(map(_label, (site, name, region)))


def parts(text: str) -> tuple[str, str, str] | None:
    """Site, name and region; None if it is none of ours."""
    pieces = text.removeprefix(_START).split(_BETWEEN)
    if not text.startswith(_START) or len(pieces) != 3:
        return None
    site, name, region = map(_plain, pieces)
    return site, name, region


def _label(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9-]|(?<=-)-|^-|-$",
                  lambda match: "".join(f".{byte:02x}" for byte in match[0].encode()), text)


def _plain(label: str) -> str:
    bytewise = re.sub(rb"\.([0-9a-f]{2})", lambda match: bytes.fromhex(match[1].decode()), label.encode())
    return bytewise.decode(errors="replace")
