import os
import socket
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from provisioner.remote.facts import distribution, hardware, local, network, readers, system, virtual
from provisioner.remote.modules.setup import chosen
from provisioner.remote.sdk import ModuleFailed
from provisioner.testing.inprocess import make_context, run_module


@pytest.fixture
def files(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """What the readers find, by path; nothing else is there."""
    given: dict[str, str] = {}

    def text(path: str, limit: int = 1 << 20) -> str:
        return given.get(path, "")

    for module in (distribution, hardware, network, system, virtual):
        monkeypatch.setattr(module, "text", text)
    return given


def test_all_facts_of_this_machine() -> None:
    facts = run_module("setup", {})["ansible_facts"]
    assert facts["ansible_nodename"] == os.uname().nodename
    assert facts["ansible_kernel"] == os.uname().release
    assert facts["ansible_python"]["executable"] == sys.executable
    assert facts["ansible_python_version"] == ".".join(map(str, sys.version_info[:3]))
    assert facts["ansible_user_uid"] == os.getuid()
    assert facts["ansible_memtotal_mb"] > 0
    assert facts["ansible_processor_vcpus"] >= 1
    assert facts["ansible_date_time"]["epoch"].isdigit()
    assert {mount["mount"] for mount in facts["ansible_mounts"]}
    assert facts["ansible_interfaces"] == sorted(facts["ansible_interfaces"])
    assert facts["ansible_lo"]["ipv4"] == {
        "address": "127.0.0.1", "netmask": "255.0.0.0", "network": "127.0.0.0", "prefix": "8",
        "broadcast": "127.255.255.255"}
    assert "127.0.0.1" not in facts["ansible_all_ipv4_addresses"]


OS_RELEASES = [
    ('ID=ubuntu\nVERSION_ID="24.04"\nVERSION_CODENAME=noble\n', "", "Ubuntu", "24.04", "24", "noble", "Debian"),
    ("ID=debian\nVERSION_ID=12\nVERSION_CODENAME=bookworm\n", "12.11", "Debian", "12.11", "12", "bookworm", "Debian"),
    ("ID=debian\nVERSION_CODENAME=forky\n", "forky/sid", "Debian", "NA", "NA", "forky", "Debian"),
    ('ID="rocky"\nVERSION_ID="9.4"\nVERSION="9.4 (Onyx)"\n', "", "Rocky", "9.4", "9", "Onyx", "RedHat"),
    ('ID="amzn"\nVERSION_ID="2023"\n', "", "Amazon", "2023", "2023", "NA", "RedHat"),
    ("ID=newthing\nNAME='New Thing'\nID_LIKE='ubuntu debian'\nVERSION_ID=1.2\n", "", "New", "1.2", "1", "NA", "Debian"),
    ("", "", "Linux", "NA", "NA", "NA", "Linux"),
]


@pytest.mark.parametrize(("release", "exact", "name", "version", "major", "codename", "family"), OS_RELEASES)
def test_distributions(files: dict[str, str], release: str, exact: str, name: str, version: str, major: str,
                       codename: str, family: str) -> None:  # fmt: skip
    files.update({"/etc/os-release": release, "/etc/debian_version": exact})
    facts = distribution.collect(make_context())
    given = [facts["distribution" + end] for end in ("", "_version", "_major_version", "_release")]
    assert [*given, facts["os_family"]] == [name, version, major, codename, family]


def test_what_a_host_says_of_itself_stays_text(files: dict[str, str]) -> None:
    files["/etc/os-release"] = "ID=debian\nVERSION_CODENAME=\"{{ lookup('pipe', 'id') }}\"\n"
    assert distribution.collect(make_context())["distribution_release"] == "{{ lookup('pipe', 'id') }}"


def test_assignments_are_read_as_a_shell_would_quote_them() -> None:
    text = "# no\nA=1\nB=\"two words\"\nC='x'\nD=\"a\\\"b\\$c\\\\d\"\n\nbroken"
    assert readers.assignments(text) == {"A": "1", "B": "two words", "C": "x", "D": 'a"b$c\\d'}


def test_memory(files: dict[str, str]) -> None:
    files["/proc/meminfo"] = (
        "MemTotal: 2048000 kB\nMemFree: 1024000 kB\nBuffers: 102400 kB\nCached: 204800 kB\nSwapTotal: 10240 kB\n"
        "SwapFree: 5120 kB\n")
    facts = hardware.collect(make_context())
    assert (facts["memtotal_mb"], facts["memfree_mb"], facts["swaptotal_mb"]) == (2000, 1000, 10)
    assert facts["memory_mb"]["nocache"] == {"free": 1300, "used": 700}
    assert facts["product_name"] == "NA"


def test_processors(files: dict[str, str]) -> None:
    one = "processor : {}\nvendor_id : GenuineIntel\nmodel name : Xeon\nphysical id : {}\ncore id : {}\n\n"
    files["/proc/cpuinfo"] = "".join(one.format(n, n // 4, n // 2 % 2) for n in range(8))
    facts = hardware.collect(make_context())
    counts = [facts["processor_" + name] for name in ("count", "cores", "threads_per_core", "vcpus")]
    assert counts == [2, 2, 2, 8]
    assert facts["processor"][:3] == ["0", "GenuineIntel", "Xeon"]


def test_mounts_leave_out_what_is_no_device_and_never_ask_a_server(files: dict[str, str]) -> None:
    files["/proc/self/mounts"] = (
        "/dev/vda1 / ext4 rw 0 1\nproc /proc proc rw 0 0\nnas:/x /mnt/with\\040space nfs4 rw 0 0\n")
    mounts = {mount["mount"]: mount for mount in hardware.collect(make_context())["mounts"]}
    assert sorted(mounts) == ["/", "/mnt/with space"]
    assert mounts["/"]["size_total"] > 0
    assert "size_total" not in mounts["/mnt/with space"]


def test_the_default_route_is_the_one_with_the_lowest_metric(
    files: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    gateway = {name: int.from_bytes(socket.inet_aton(name), sys.byteorder) for name in ("10.0.0.1", "10.0.1.1")}
    files["/proc/net/route"] = (
        "Iface Destination Gateway Flags RefCnt Use Metric Mask MTU Window IRTT\n"
        f"eth1 00000000 {gateway['10.0.1.1']:08X} 0003 0 0 200 00000000 0 0 0\n"
        f"eth0 00000000 {gateway['10.0.0.1']:08X} 0003 0 0 100 00000000 0 0 0\n"
        "eth0 0000000A 00000000 0001 0 0 100 00FFFFFF 0 0 0\n")
    monkeypatch.setattr(network, "names", lambda path: ["eth0", "eth1", "br-lan"])
    monkeypatch.setattr(os.path, "isdir", lambda path: path.count("/") == 4)
    monkeypatch.setattr(socket, "if_indextoname", lambda index: f"eth{index}")
    monkeypatch.setattr(network, "_addresses", lambda: iter([
        (0, socket.AF_INET, 24, 0, "10.0.0.5"), (0, socket.AF_INET, 24, 0, "10.0.0.6"),
        (1, socket.AF_INET6, 64, 0, "2001:db8::1")]))
    facts = network.collect(make_context())
    assert facts["default_ipv4"]["address"] == "10.0.0.5"
    assert facts["default_ipv4"]["gateway"] == "10.0.0.1"
    assert facts["default_ipv4"]["interface"] == "eth0"
    assert facts["eth0"]["ipv4_secondaries"][0]["address"] == "10.0.0.6"
    assert facts["eth1"]["ipv6"] == [{"address": "2001:db8::1", "prefix": "64", "scope": "global"}]
    assert facts["all_ipv4_addresses"] == ["10.0.0.5", "10.0.0.6"]
    assert facts["default_ipv6"] == {}
    assert "br_lan" in facts


@pytest.mark.parametrize(("given", "expected"), [
    ({"/run/systemd/container": "systemd-nspawn"}, ("systemd-nspawn", "guest")),
    ({"/run/systemd/container": "systemd-nspawn", "/proc/1/environ": "container=systemd-nspawn\0"},
     ("container", "guest")),
    ({"/proc/1/environ": "A=b\0container=lxc\0"}, ("lxc", "guest")),
    ({"/proc/1/environ": "container=lxc-libvirt\0"}, ("lxc", "guest")),
    ({"/proc/1/environ": "container=podman\0"}, ("podman", "guest")),
    ({"/sys/class/dmi/id/sys_vendor": "DigitalOcean"}, ("kvm", "guest")),
    ({"/sys/class/dmi/id/product_name": "VMware Virtual Platform"}, ("VMware", "guest")),
    ({"/proc/cpuinfo": "flags : fpu hypervisor"}, ("kvm", "guest")),
])  # fmt: skip
def test_virtualization(files: dict[str, str], monkeypatch: pytest.MonkeyPatch, given: Mapping[str, str],
                        expected: tuple[str, str]) -> None:  # fmt: skip
    files.update(given)
    monkeypatch.setattr(os.path, "exists", lambda path: False)
    facts = virtual.collect(make_context())
    assert (facts["virtualization_type"], facts["virtualization_role"]) == expected


def test_a_container_is_told_by_all_its_names(files: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    files.update({"/run/systemd/container": "systemd-nspawn", "/proc/1/environ": "container=systemd-nspawn\0"})
    monkeypatch.setattr(os.path, "exists", lambda path: False)
    facts = virtual.collect(make_context())
    assert facts["virtualization_tech_guest"] == ["container", "systemd-nspawn"]


def test_the_full_name_comes_from_the_hosts_file(files: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    node = os.uname().nodename
    files["/etc/hosts"] = f"127.0.0.1 localhost\n10.0.0.1 {node}.example.com {node}  # me\n"
    facts = system.collect(make_context())
    assert (facts["fqdn"], facts["domain"]) == (f"{node}.example.com", "example.com")


def test_dns_settings(files: dict[str, str]) -> None:
    files["/etc/resolv.conf"] = "# x\nnameserver 1.1.1.1\nnameserver 8.8.8.8\nsearch a b\noptions ndots:2 rotate\n"
    assert system.collect(make_context())["dns"] == {
        "nameservers": ["1.1.1.1", "8.8.8.8"], "search": ["a", "b"], "options": {"ndots": "2", "rotate": True}}


def test_facts_of_the_hosts_own(tmp_path: Path) -> None:
    (tmp_path / "ini.fact").write_text("[a]\nB = c\nd = %(b)s/%%\n")
    (tmp_path / "percent.fact").write_text("[a]\nb = 5 % of it\n")
    (tmp_path / "dead.fact").symlink_to(tmp_path / "nowhere")
    (tmp_path / "json.fact").write_text('{"x": 1}')
    (tmp_path / "bad.fact").write_text("what is this")
    (tmp_path / "ignored.txt").write_text("x")
    for name, script in (("prog", "echo '[1, 2]'"), ("fails", "exit 3")):
        (tmp_path / f"{name}.fact").write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / f"{name}.fact").chmod(0o755)
    ctx = make_context()
    found = local.collect(ctx, str(tmp_path), 1)["local"]
    assert (found["ini"], found["json"], found["prog"]) == ({"a": {"b": "c", "d": "c/%"}}, {"x": 1}, [1, 2])
    assert "error loading" in found["bad"]
    assert "error loading facts as ini" in found["percent"]
    assert found["dead"].startswith("Could not stat fact")
    assert "rc: 3" in found["fails"]
    assert len(ctx.warnings) == 4


def test_a_fact_that_hangs_fails_the_task_in_time(tmp_path: Path) -> None:
    (tmp_path / "hangs.fact").write_text("#!/bin/sh\nsleep 60\n")
    (tmp_path / "hangs.fact").chmod(0o755)
    with pytest.raises(ModuleFailed, match="took longer than"):
        local.collect(make_context(), str(tmp_path), 0.2)


MINIMUM = ["system", "distribution", "local"]
SUBSETS: list[tuple[list[str], list[str]]] = [
    (["all"], [*MINIMUM, "network", "hardware", "virtual", "systemd"]), (["min"], MINIMUM), (["!all"], MINIMUM),
    (["!all", "!min"], []), (["network"], [*MINIMUM, "network"]), (["!all", "!min", "network"], ["network"]),
    (["!hardware"], [*MINIMUM, "network", "virtual", "systemd"]),
    (["all", "!hardware"], [*MINIMUM, "network", "virtual", "systemd"]), (["systemd"], [*MINIMUM, "systemd"]),
    (["default_ipv4"], [*MINIMUM, "network"]), (["!all", "!facter", "!ohai"], MINIMUM),
    (["!all", "!min", "distribution"], ["distribution"]), (["!all", "hardware"], [*MINIMUM, "hardware"]),
]  # fmt: skip


@pytest.mark.parametrize(("subset", "expected"), SUBSETS, ids=lambda value: ",".join(value) or "nothing")
def test_subsets(subset: list[str], expected: list[str]) -> None:
    assert chosen(subset) == expected


def test_an_unknown_subset_is_named() -> None:
    assert "no subset `nope`" in run_module("setup", {"gather_subset": ["nope"]})["msg"]


@pytest.mark.parametrize("pattern", ["ansible_mem*", "mem*"])
def test_a_filter_takes_names_with_and_without_the_prefix(pattern: str) -> None:
    facts: Mapping[str, Any] = run_module("setup", {"filter": [pattern]})["ansible_facts"]
    assert sorted(facts) == ["ansible_memfree_mb", "ansible_memory_mb", "ansible_memtotal_mb"]
