"""Tests of ansible.utils on IP and hardware addresses, and on addresses of the web."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from provisioner.template.filters.addresses import ipaddr, network_in_network, network_in_usable
from provisioner.template.filters.hardware import hwaddr
from provisioner.values import Value


def ip(value: Value) -> bool:
    """
    >>> ip("192.0.2.1"), ip("::1/64"), ip("name")
    (True, True, False)
    """
    return ipaddr(value) is not False


def ipv4(value: Value) -> bool:
    """
    >>> ipv4("192.0.2.1"), ipv4("::1")
    (True, False)
    """
    return ipaddr(value, "", 4) is not False


def ipv6(value: Value) -> bool:
    """
    >>> ipv6("192.0.2.1"), ipv6("::1")
    (False, True)
    """
    return ipaddr(value, "", 6) is not False


def _only(version: int | None) -> Callable[[Value], bool]:
    return lambda value: "/" not in str(value) and ipaddr(value, "", version) is not False


def in_network(value: Value, network: Value) -> bool:
    """
    >>> in_network("192.0.2.1", "192.0.2.0/24")
    True
    """
    return network_in_network(network, value)


def in_any_network(value: Value, networks: list[Value]) -> bool:
    """
    >>> in_any_network("192.0.2.1", ["10.0.0.0/8", "192.0.2.0/24"])
    True
    """
    return any(network_in_network(network, value) for network in networks)


def in_one_network(value: Value, networks: list[Value]) -> bool:
    return sum(network_in_network(network, value) for network in networks) == 1


def supernet_of(value: Value, network: Value) -> bool:
    """
    >>> supernet_of("192.0.2.0/24", "192.0.2.0/25")
    True
    """
    return network_in_network(value, network)


def mac(value: Value) -> bool:
    """
    >>> mac("02:16:3e:e4:16:f3"), mac("x")
    (True, False)
    """
    return hwaddr(value) is not False


def _kind(query: str) -> Callable[[Value], bool]:
    return lambda value: ipaddr(value, query) is not False


def _flag(name: str) -> Callable[[Value], bool]:
    def test(value: Value) -> bool:
        try:
            return bool(getattr(ipaddress.ip_address(str(value)), name))
        except ValueError:
            return False

    return test


def uri(value: Value, schemes: list[str] | None = None) -> bool:
    """
    >>> uri("mailto:a@b.c"), uri("https://a.b/c"), uri("ftp://a", ["https"]), uri("a b")
    (True, True, False, False)
    """
    try:
        found = urlsplit(str(value))
    except ValueError:
        return False
    has_rest = bool(found.netloc or found.path or found.query)
    return bool(found.scheme) and has_rest and " " not in str(value) and (not schemes or found.scheme in schemes)


def url(value: Value, schemes: list[str] | None = None) -> bool:
    """
    >>> url("https://a.b/c"), url("mailto:a@b.c")
    (True, False)
    """
    return uri(value, schemes) and bool(urlsplit(str(value)).netloc)


def urn(value: Value) -> bool:
    """
    >>> urn("urn:isbn:978-1"), urn("https://a")
    (True, False)
    """
    return re.fullmatch(r"urn:[A-Za-z0-9][A-Za-z0-9-]{0,31}:\S+", str(value)) is not None


NETWORK: Mapping[str, Callable[..., Any]] = {
    "ip": ip, "ip_address": _only(None), "ipv4": ipv4, "ipv4_address": _only(4), "ipv6": ipv6,
    "ipv6_address": _only(6), "in_network": in_network, "in_any_network": in_any_network,
    "in_one_network": in_one_network, "subnet_of": in_network, "supernet_of": supernet_of, "mac": mac,
    "loopback": _kind("loopback"), "multicast": _kind("multicast"), "private": _kind("private"),
    "public": _kind("public"), "reserved": _flag("is_reserved"), "unspecified": _flag("is_unspecified"),
    "usable_range": network_in_usable,
}
TESTS: Mapping[str, Callable[..., Any]] = {"uri": uri, "url": url, "urn": urn}
