"""IP addresses: `ipaddr` and its relatives of ansible.utils, by the standard library."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from provisioner.values import Value

Interface: TypeAlias = ipaddress.IPv4Interface | ipaddress.IPv6Interface
Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network


def _read(value: Value) -> Interface | None:
    if isinstance(value, bool) or value in (None, ""):
        return None
    try:
        return ipaddress.ip_interface(value if isinstance(value, int) else str(value).strip())
    except ValueError:
        return None


def _is_network(value: Value) -> bool:
    return "/" in str(value)


def _host(found: Interface, _: Value) -> Value:
    size = found.network.num_addresses
    return str(found) if size == 1 or found.ip != found.network.network_address else False


def _net(found: Interface, _: Value) -> Value:
    network = found.network
    return str(network) if network.num_addresses > 1 and found.ip == network.network_address else False


def _usable(network: Network) -> tuple[int, int]:
    """The first and the last address for hosts, as numbers."""
    first, last = int(network.network_address), int(network.broadcast_address)
    return (first, last) if network.num_addresses <= 2 else (first + 1, last - 1)


def _at(network: Network, number: int) -> str:
    return str(type(network.network_address)(number))


def _first_usable(found: Interface, value: Value) -> Value:
    return _at(found.network, _usable(found.network)[0]) if _is_network(value) else str(found.ip)


def _last_usable(found: Interface, value: Value) -> Value:
    return _at(found.network, _usable(found.network)[1]) if _is_network(value) else str(found.ip)


def _range_usable(found: Interface, value: Value) -> Value:
    return f"{_first_usable(found, value)}-{_last_usable(found, value)}" if _is_network(value) else False


def _size_usable(found: Interface, _: Value) -> Value:
    first, last = _usable(found.network)
    return last - first + 1


def _broadcast(found: Interface, _: Value) -> Value:
    return str(found.network.broadcast_address) if found.network.num_addresses > 2 else False


def _type(found: Interface, _: Value) -> Value:
    single = found.network.num_addresses == 1 or found.ip != found.network.network_address
    return "address" if single else "network"


def _address(found: Interface, value: Value) -> Value:
    """Of a network as such there is no address of a host."""
    return False if _is_network(value) and _net(found, value) else str(found.ip)


def _kept(holds: Callable[[Any], bool]) -> Callable[[Interface, Value], Value]:
    return lambda found, value: value if holds(found.ip) else False


#: What `ipaddr` is asked for: of the address that was read, and the value it was read from.
_QUERIES: Mapping[str, Callable[[Interface, Value], Value]] = {
    "": lambda found, value: str(found.ip) if isinstance(value, int) else value,
    "address": _address, "ip": _address,
    "address/prefix": _host, "host": _host, "host/prefix": _host, "hostnet": _host, "router": _host, "gateway": _host,
    "bool": lambda found, _: True,
    "broadcast": _broadcast,
    "cidr": lambda found, _: str(found), "subnet": lambda found, _: str(found.network),
    "network/prefix": lambda found, _: str(found.network),
    "first_usable": _first_usable, "last_usable": _last_usable,
    "hostmask": lambda found, _: str(found.hostmask), "wildcard": lambda found, _: str(found.hostmask),
    "int": lambda found, value: f"{int(found.ip)}/{found.network.prefixlen}" if _is_network(value) else int(found.ip),
    "net": _net,
    "netmask": lambda found, _: str(found.netmask),
    "network": lambda found, _: str(found.network.network_address),
    "network_id": lambda found, _: str(found.network.network_address),
    "network_netmask": lambda found, _: f"{found.network.network_address} {found.netmask}",
    "network_wildcard": lambda found, _: f"{found.network.network_address} {found.hostmask}",
    "prefix": lambda found, _: found.network.prefixlen,
    "range_usable": _range_usable, "size": lambda found, _: found.network.num_addresses, "size_usable": _size_usable,
    "revdns": lambda found, _: f"{found.ip.reverse_pointer}.",
    "type": _type, "version": lambda found, _: found.version,
    "link-local": _kept(lambda ip: bool(ip.is_link_local)), "loopback": _kept(lambda ip: bool(ip.is_loopback)),
    "multicast": _kept(lambda ip: bool(ip.is_multicast)), "unicast": _kept(lambda ip: not ip.is_multicast),
    "private": _kept(lambda ip: bool(ip.is_private)), "public": _kept(lambda ip: bool(ip.is_global)),
    "wrap": lambda found, value: ipwrap(value),
}  # fmt: skip


def ipaddr(value: Value, query: Value = "", version: int | None = None) -> Value:
    """What `query` asks of an address or network; False for what is none. Of a list those that are some.

    >>> ipaddr("192.0.2.7/24", "network"), ipaddr("192.0.2.7/24", "address"), ipaddr("nothing")
    ('192.0.2.0', '192.0.2.7', False)
    >>> ipaddr(["::1", "x", "192.0.2.1"]), ipaddr("192.0.2.0/24", "5"), ipaddr("192.0.2.7", "192.0.2.0/24")
    (['::1', '192.0.2.1'], '192.0.2.5/24', '192.0.2.7')
    """
    if isinstance(value, (list, tuple)):
        return [found for item in value if (found := ipaddr(item, query, version)) is not False]
    found = _read(value)
    if found is None or version not in (None, found.version):
        return False
    if str(query) in _QUERIES:
        return _QUERIES[str(query)](found, value)
    if isinstance(query, int) or re.fullmatch(r"-?\d+", str(query)):
        return _nth(found.network, int(query), prefix=True)
    around = _read(query)
    if around is None:
        raise ValueError(f"`ipaddr` has no query {query!r}")
    return value if around.version == found.version and found.network.subnet_of(
        around.network) else False  # type: ignore[arg-type]


def ipv4(value: Value, query: Value = "") -> Value:
    """
    >>> ipv4(["::1", "192.0.2.1"]), ipv4("::1")
    (['192.0.2.1'], False)
    """
    return ipaddr(value, query, 4)


def ipv6(value: Value, query: Value = "") -> Value:
    """
    >>> ipv6(["::1", "192.0.2.1"])
    ['::1']
    """
    return ipaddr(value, query, 6)


def ipwrap(value: Value, query: Value = "") -> Value:
    """Brackets around IPv6 addresses, for URLs; anything else as it is.

    >>> ipwrap("::1"), ipwrap("fe80::1/64"), ipwrap("192.0.2.1"), ipwrap("name")
    ('[::1]', '[fe80::1]/64', '192.0.2.1', 'name')
    """
    if isinstance(value, (list, tuple)):
        return [ipwrap(item) for item in value]
    found = _read(value)
    if found is None or found.version == 4:
        return value
    address, slash, prefix = str(value).partition("/")
    return f"[{address}]{slash}{prefix}"


def _nth(network: Network, number: int, *, prefix: bool = False) -> Value:
    position = number if number >= 0 else network.num_addresses + number
    if not 0 <= position < network.num_addresses:
        return False
    address = _at(network, int(network.network_address) + position)
    return f"{address}/{network.prefixlen}" if prefix else address


def nthhost(value: Value, query: Value = "") -> Value:
    """
    >>> nthhost("192.0.2.0/24", 3), nthhost("192.0.2.0/24", -2)
    ('192.0.2.3', '192.0.2.254')
    """
    found = _read(value)
    return False if found is None or query == "" else _nth(found.network, int(query))


def ipmath(value: Value, amount: int) -> Value:
    """
    >>> ipmath("192.0.2.250", 10), ipmath("192.0.2.5/24", -1)
    ('192.0.3.4', '192.0.2.4')
    """
    found = _read(value)
    if found is None:
        raise ValueError(f"{value!r} is no IP address")
    return str(found.ip + int(amount))


def ipsubnet(value: Value, query: Value = "", index: Value = "x") -> Value:
    """How many subnets of a size a network has, or one of them; of an address the network of that size around it.

    >>> ipsubnet("192.168.144.5/16", 20), ipsubnet("192.168.144.5/16", 20, 1), ipsubnet("192.168.144.5", 20)
    ('16', '192.168.16.0/20', '192.168.144.0/20')
    """
    found = _read(value)
    if found is None:
        return False
    if query == "":
        return str(found.network)
    size = int(query)
    if size < found.network.prefixlen:
        number = 0 if index == "x" else int(index)
        sizes = range(size, found.network.prefixlen)
        return str(found.network.supernet(new_prefix=sizes[number]))
    count = 1 << (size - found.network.prefixlen)
    if index == "x":
        return str(count) if _is_network(value) else str(found.network)
    position = int(index) if int(index) >= 0 else count + int(index)
    if not 0 <= position < count:
        return False
    step = 1 << (found.max_prefixlen - size)
    return f"{_at(found.network, int(found.network.network_address) + position * step)}/{size}"


def next_nth_usable(value: Value, offset: int) -> Value:
    """
    >>> next_nth_usable("192.0.2.5/24", 2), next_nth_usable("192.0.2.254/24", 1)
    ('192.0.2.7', False)
    """
    found = _read(value)
    if found is None:
        return False
    first, last = _usable(found.network)
    number = int(found.ip) + int(offset)
    return _at(found.network, number) if first <= number <= last else False


def previous_nth_usable(value: Value, offset: int) -> Value:
    """
    >>> previous_nth_usable("192.0.2.5/24", 2)
    '192.0.2.3'
    """
    return next_nth_usable(value, -int(offset))


def network_in_network(value: Value, test: Value) -> bool:
    """
    >>> network_in_network("192.0.2.0/24", "192.0.2.128/25"), network_in_network("192.0.2.0/24", "10.0.0.1")
    (True, False)
    """
    around, inside = _read(value), _read(test)
    return bool(around and inside and around.version == inside.version
                and inside.network.subnet_of(around.network))  # type: ignore[arg-type]


def network_in_usable(value: Value, test: Value) -> bool:
    """
    >>> network_in_usable("192.0.2.0/24", "192.0.2.9"), network_in_usable("192.0.2.0/24", "192.0.2.255")
    (True, False)
    """
    around, inside = _read(value), _read(test)
    if not around or not inside or around.version != inside.version:
        return False
    first, last = _usable(around.network)
    return first <= int(inside.network.network_address) and int(inside.network.broadcast_address) <= last


def reduce_on_network(value: Value, network: Value) -> list[Value]:
    """
    >>> reduce_on_network(["192.0.2.9", "10.0.0.1"], "192.0.2.0/24")
    ['192.0.2.9']
    """
    return [item for item in value if network_in_network(network, item)]


def cidr_merge(value: list[str], action: str = "merge") -> Value:
    """
    >>> cidr_merge(["192.0.2.0/25", "192.0.2.128/25"]), cidr_merge(["192.0.2.1", "192.0.2.9"], "span")
    (['192.0.2.0/24'], '192.0.2.0/28')
    """
    networks: list[Any] = [ipaddress.ip_network(item, strict=False) for item in value]
    if action == "merge":
        return [str(network) for network in ipaddress.collapse_addresses(networks)]
    if action != "span":
        raise ValueError(f"`cidr_merge` takes merge or span, not {action!r}")
    span, last = networks[0], max(int(network.broadcast_address) for network in networks)
    first = min(int(network.network_address) for network in networks)
    while not (int(span.network_address) <= first and last <= int(span.broadcast_address)):
        span = span.supernet()
    return str(span)


FILTERS: Mapping[str, Callable[..., Any]] = {
    "ipaddr": ipaddr, "ipv4": ipv4, "ipv6": ipv6, "ipwrap": ipwrap, "ipsubnet": ipsubnet, "ipmath": ipmath,
    "nthhost": nthhost, "next_nth_usable": next_nth_usable, "previous_nth_usable": previous_nth_usable,
    "network_in_network": network_in_network, "network_in_usable": network_in_usable,
    "reduce_on_network": reduce_on_network, "cidr_merge": cidr_merge,
}
HOMES = ("ansible.utils", "ansible.netcommon")
