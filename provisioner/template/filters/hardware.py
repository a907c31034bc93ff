"""Addresses of network cards, in the forms that systems write them."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping
from typing import Any

from provisioner.values import Value


def slaac(value: Value, query: str) -> Value:
    """The address that a network card gives itself.

    >>> slaac("2001:db8::/64", "c2:31:b3:83:bf:2b")
    '2001:db8::c031:b3ff:fe83:bf2b'
    """
    octets = _octets(query)
    try:
        network = ipaddress.IPv6Network(str(value), strict=False)
    except ValueError:
        return False
    if octets is None:
        return False
    number = bytes([octets[0] ^ 2, *octets[1:3], 0xFF, 0xFE, *octets[3:]])
    return str(network.network_address + int.from_bytes(number, "big"))


def _octets(value: Value) -> bytes | None:
    digits = re.sub(r"[.:\-\s]", "", str(value))
    return bytes.fromhex(digits) if re.fullmatch(r"[0-9a-fA-F]{12}", digits) else None


_WRITTEN: Mapping[str, tuple[int, str, bool]] = {
    "linux": (2, ":", False), "unix": (2, ":", False), "win": (2, "-", True), "eui48": (2, "-", True),
    "cisco": (4, ".", False), "bare": (12, "", True), "pgsql": (6, ":", False), "postgresql": (6, ":", False),
    "psql": (6, ":", False),
}  # fmt: skip


def hwaddr(value: Value, query: str = "") -> Value:
    """
    >>> hwaddr("1A:2b:3C:4d:5E:6f", "cisco"), hwaddr("1a2b3c4d5e6f", "linux"), hwaddr("x")
    ('1a2b.3c4d.5e6f', '1a:2b:3c:4d:5e:6f', False)
    """
    octets = _octets(value)
    if octets is None:
        return False
    if query in ("", "bool"):
        return value if query == "" else True
    if query not in _WRITTEN:
        raise ValueError(f"`hwaddr` takes one of {', '.join(_WRITTEN)}, not {query!r}")
    width, mark, upper = _WRITTEN[query]
    digits = octets.hex().upper() if upper else octets.hex()
    return mark.join(digits[start:start + width] for start in range(0, 12, width))


def macaddr(value: Value, query: str = "") -> Value:
    """The same as `hwaddr`.

    >>> macaddr("1a2b3c4d5e6f", "linux")
    '1a:2b:3c:4d:5e:6f'
    """
    return hwaddr(value, query)


FILTERS: Mapping[str, Callable[..., Any]] = {"slaac": slaac, "hwaddr": hwaddr, "macaddr": macaddr}
HOMES = ("ansible.utils", "ansible.netcommon")
