"""`ipaddr` and its relatives, with the examples of their documentation."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.template.effects import Effect, KnownEffects
from provisioner.template.templar import Templar
from provisioner.values import Template
from provisioner.vars.scope import Scope

NET = "192.168.32.5/20"
TEMPLAR = Templar()


def value(source: str, effects: Any = None, **variables: Any) -> Any:
    scope = Scope(TEMPLAR, [("v", variables)], effects) if effects else Scope(TEMPLAR, [("v", variables)])
    return TEMPLAR.render(Template(f"{{{{ {source} }}}}"), scope)


@pytest.mark.parametrize(("query", "expected"), [
    ("network", "192.168.32.0"), ("netmask", "255.255.240.0"), ("hostmask", "0.0.15.255"), ("prefix", 20),
    ("broadcast", "192.168.47.255"), ("size", 4096), ("first_usable", "192.168.32.1"),
    ("last_usable", "192.168.47.254"), ("range_usable", "192.168.32.1-192.168.47.254"), ("size_usable", 4094),
    ("host", "192.168.32.5/20"), ("net", False), ("subnet", "192.168.32.0/20"), ("type", "address"), ("version", 4),
    ("revdns", "5.32.168.192.in-addr.arpa."), ("int", "3232243717/20"), ("address", "192.168.32.5"),
    ("network_netmask", "192.168.32.0 255.255.240.0"), ("private", NET), ("public", False), (1, "192.168.32.1/20"),
    (-1, "192.168.47.255/20"), ("192.168.0.0/16", NET), ("10.0.0.0/8", False), ("bool", True)])
def test_what_can_be_asked_of_an_address(query: Any, expected: Any) -> None:
    assert value("net | ansible.utils.ipaddr(query)", net=NET, query=query) == expected


@pytest.mark.parametrize(("source", "expected"), [
    ("['192.24.2.1', 'host.fqdn', '::1', '', 'fe80::100/10'] | ipaddr", ["192.24.2.1", "::1", "fe80::100/10"]),
    ("'192.168.0.0/24' | ipaddr('net')", "192.168.0.0/24"),
    ("3232243717 | ipaddr", "192.168.32.5"),
    ("'192.168.144.5' | ipsubnet(18)", "192.168.128.0/18"),
    ("'192.168.144.5' | ipsubnet(18, -1)", "192.168.144.4/31"),
    ("'192.168.144.5/16' | ipsubnet(20, -1)", "192.168.240.0/20"),
    ("'nothing' | ipv4", False),
    ("'192.0.2.1' is ansible.utils.in_network '192.0.2.0/24'", True),
    ("'10.1.1.1' is ansible.utils.private", True),
    ("'8.8.8.8' is ansible.utils.public", True),
    ("'::' is ansible.utils.unspecified", True),
    ("'192.0.2.1/24' is ansible.utils.ipv4_address", False),
    ("'52:54:00:12:34:56' | ansible.netcommon.hwaddr('cisco')", "5254.0012.3456"),
])
def test_names_and_examples(source: str, expected: Any) -> None:
    assert value(source) == expected


def test_a_wrong_query_is_told() -> None:
    with pytest.raises(Exception, match="has no query 'netmsk'"):
        value("'192.0.2.1/24' | ipaddr('netmsk')")


def test_a_drawn_hardware_address_keeps_its_beginning() -> None:
    drawn = Effect("random", (0, 256**3, 1), (("seed", "h1"),))
    assert value("'52:54:00' | community.general.random_mac(seed='h1')", KnownEffects({drawn: 0x010203})) == (
        "52:54:00:01:02:03")


def test_hosts_of_groups() -> None:
    groups = {"all": ["a", "b", "c"], "web": ["a", "b"], "prod": ["b", "c"]}
    assert value("query('inventory_hostnames', 'web:&prod')", groups=groups) == ["b"]
    assert value("query('inventory_hostnames', 'all:!web')", groups=groups) == ["c"]
