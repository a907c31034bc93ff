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


def ip_address(value: Value) -> bool:
    """
    >>> ip_address("192.0.2.1"), ip_address("192.0.2.0/24")
    (True, False)
    """
    return _is_address(value)


def ipv4_address(value: Value) -> bool:
    """
    >>> ipv4_address("192.0.2.1"), ipv4_address("::1")
    (True, False)
    """
    return _is_address(value, 4)


def ipv6_address(value: Value) -> bool:
    """
    >>> ipv6_address("::1"), ipv6_address("192.0.2.1")
    (True, False)
    """
    return _is_address(value, 6)


def _is_address(value: Value, version: int | None = None) -> bool:
    return "/" not in str(value) and ipaddr(value, "", version) is not False


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
    """
    >>> in_one_network("10.1.0.1", ["10.0.0.0/8"]), in_one_network("10.1.0.1", ["10.0.0.0/8", "10.1.0.0/16"])
    (True, False)
    """
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


def loopback(value: Value) -> bool:
    """
    >>> loopback("127.0.0.1"), loopback("192.0.2.1")
    (True, False)
    """
    return ipaddr(value, "loopback") is not False


def multicast(value: Value) -> bool:
    """
    >>> multicast("224.0.0.1"), multicast("192.0.2.1")
    (True, False)
    """
    return ipaddr(value, "multicast") is not False


def private(value: Value) -> bool:
    """
    >>> private("10.0.0.1"), private("8.8.8.8")
    (True, False)
    """
    return ipaddr(value, "private") is not False


def public(value: Value) -> bool:
    """
    >>> public("8.8.8.8"), public("10.0.0.1")
    (True, False)
    """
    return ipaddr(value, "public") is not False


def reserved(value: Value) -> bool:
    """
    >>> reserved("240.0.0.1"), reserved("192.0.2.1")
    (True, False)
    """
    return _has(value, "is_reserved")


def unspecified(value: Value) -> bool:
    """
    >>> unspecified("0.0.0.0"), unspecified("192.0.2.1")
    (True, False)
    """
    return _has(value, "is_unspecified")


def _has(value: Value, flag: str) -> bool:
    try:
        return bool(getattr(ipaddress.ip_address(str(value)), flag))
    except ValueError:
        return False


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
    "ip": ip, "ip_address": ip_address, "ipv4": ipv4, "ipv4_address": ipv4_address, "ipv6": ipv6,
    "ipv6_address": ipv6_address, "in_network": in_network, "in_any_network": in_any_network,
    "in_one_network": in_one_network, "subnet_of": in_network, "supernet_of": supernet_of, "mac": mac,
    "loopback": loopback, "multicast": multicast, "private": private, "public": public, "reserved": reserved,
    "unspecified": unspecified,
    "usable_range": network_in_usable,
}
TESTS: Mapping[str, Callable[..., Any]] = {"uri": uri, "url": url, "urn": urn}
