"""Subnets and what they must not collide with; the kernel's part runs in a network namespace of the test's own."""

from __future__ import annotations

import ipaddress
import subprocess
import sys
from pathlib import Path

import pytest

from provisioner.lab.network import LAST_HOST, Network, candidates, taken_networks
from provisioner.lab.paths import tag_of

# Nothing of this machine is touched: fresh network, /sys of that network, and another place for the machine's lock.
ALONE = "mount -t sysfs sysfs /sys && mount -t tmpfs tmpfs /run/lock && exec "


def in_a_network_of_its_own(code: str) -> str:
    imports = (
        "from pathlib import Path",
        "from provisioner.lab import network",
        "from provisioner.lab.command import run",
    )
    script = "\n".join([*imports, code])
    argv = ["unshare", "--net", "--mount", "sh", "-c", f'{ALONE} "$@"', "sh", sys.executable, "-c", script]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_candidates_are_private_and_always_the_same_for_a_lab() -> None:
    first, again, other = (list(candidates(tag)) for tag in ("pvl1", "pvl1", "pvl2"))
    assert first == again != other
    assert all(subnet.subnet_of(ipaddress.IPv4Network("10.64.0.0/10")) for subnet in first)


def test_the_default_route_takes_no_network() -> None:
    routes = '[{"dst":"default","gateway":"192.0.2.1"},{"dst":"10.70.1.0/24"},{"dst":"10.9.9.9"}]'
    assert list(map(str, taken_networks(routes))) == ["10.70.1.0/24", "10.9.9.9/32"]
    assert taken_networks("") == []


@pytest.mark.parametrize("before", ["0", "1"])
def test_forwarding_is_on_while_a_lab_is_up_and_then_as_it_was(needs_lab: None, before: str) -> None:
    output = in_a_network_of_its_own(f"""
network.FORWARDING.write_text("{before}")
for step in (network.ensure, network.ensure):
    step("pvltest1", None)
network.ensure("pvltest2", None)
print(network.FORWARDING.read_text().strip())
network.remove("pvltest1")
print(network.FORWARDING.read_text().strip(), Path("/sys/class/net/pvltest1").exists())
network.remove("pvltest2")
print(network.FORWARDING.read_text().strip(), run(["nft", "list", "tables"]), network.MACHINE_LOCK.exists())
""")
    assert output.split() == ["1", "1", "False", before, "False"]


def test_a_subnet_this_machine_already_reaches_is_not_taken(needs_lab: None) -> None:
    output = in_a_network_of_its_own("""
first, second = list(network.candidates("pvltest"))[:2]
run(["ip", "link", "add", "other", "type", "bridge"])
run(["ip", "link", "set", "other", "up"])
run(["ip", "route", "add", str(first), "dev", "other"])
print(network.ensure("pvltest", None).subnet == second)
""")
    assert output == "True\n"


def test_a_remembered_subnet_that_collides_is_an_error_not_another_subnet(needs_lab: None) -> None:
    output = in_a_network_of_its_own("""
from provisioner.diag import LabError
run(["ip", "link", "add", "other", "type", "bridge"])
run(["ip", "link", "set", "other", "up"])
run(["ip", "route", "add", "10.70.0.0/16", "dev", "other"])
try:
    network.ensure("pvltest", "10.70.3.0/24")
except LabError as error:
    print(error.message)
""")
    assert "10.70.3.0/24 collides" in output


def test_a_half_made_bridge_of_a_killed_run_is_made_anew(needs_lab: None) -> None:
    output = in_a_network_of_its_own("""
run(["ip", "link", "add", "pvltest", "type", "bridge"])
made = network.ensure("pvltest", "10.71.3.0/24")
print(made.address(1), "10.71.3.1/24" in run(["ip", "-br", "address", "show", "dev", "pvltest"]))
""")
    assert output == "10.71.3.1 True\n"


def test_interface_names_fit_the_kernel() -> None:
    name = Network.of(tag_of(Path("/any/where")), "10.64.0.0/24").interface(LAST_HOST)
    assert len(name) <= 15
