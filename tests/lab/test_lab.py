"""The lab on this machine: hosts that are really booted, reached, rebooted and removed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from provisioner.diag import LabError
from provisioner.lab import ADMIN, DEPLOY, Lab, LabHost, lab_inventory
from provisioner.lab.command import succeeds

type_of_factory = Callable[..., list[LabHost]]


def ssh(host: LabHost, command: str, user: str = "root") -> subprocess.CompletedProcess[str]:
    return subprocess.run([*host.ssh_command(user), command], capture_output=True, text=True, check=False, timeout=30)


def boot_id(host: LabHost) -> str:
    return host.run(["cat", "/proc/sys/kernel/random/boot_id"]).stdout


def traces(lab: Lab) -> list[str]:
    """Whatever of a lab is left on this machine."""
    found = [str(lab.state_dir)] if lab.state_dir.exists() else []
    found += [line for line in Path("/proc/self/mountinfo").read_text().splitlines() if str(lab.state_dir) in line]
    for pattern in ("sys/class/net", "run/netns", "sys/fs/cgroup", "sys/fs/cgroup/*", "run/systemd/nspawn/*"):
        found += map(str, Path("/").glob(f"{pattern}/{lab.tag}*"))
    if succeeds(["nft", "list", "table", "ip", lab.tag]):
        found.append("firewall table")
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if os.fsencode(lab.state_dir) in (process / "cmdline").read_bytes() + (process / "mountinfo").read_bytes():
                found.append((process / "cmdline").read_text())
        except OSError:
            continue
    return found


def wait_for(condition: Callable[[], object], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_three_hosts_are_up_in_seconds_and_differ_where_hosts_differ(lab_hosts: type_of_factory) -> None:
    began = time.monotonic()
    hosts = lab_hosts(3)
    assert time.monotonic() - began < 20
    answers = [
        ssh(host, "hostname; cat /etc/machine-id; grep -c . /etc/ssh/ssh_host_ed25519_key.pub") for host in hosts
    ]
    lines = [answer.stdout.split() for answer in answers]
    assert [line[0] for line in lines] == [host.name for host in hosts]
    assert len({line[1] for line in lines}) == len({host.address for host in hosts}) == 3
    assert len({host.record.host_keys for host in hosts}) == 3


def test_a_host_is_a_bare_debian_that_runs_without_failed_units(shared_lab_host: LabHost) -> None:
    assert shared_lab_host.run(["systemctl", "is-system-running"]).stdout == "running\n"
    assert "VERSION_CODENAME=bookworm" in shared_lab_host.run(["cat", "/etc/os-release"]).stdout
    assert shared_lab_host.run(["getent", "hosts", "localhost"]).returncode == 0
    assert shared_lab_host.run(["stat", "-c", "%a %U", "/", "/etc"]).stdout == "755 root\n755 root\n"


def test_the_names_of_a_hard_link_are_one_file(shared_lab_host: LabHost) -> None:
    shared_lab_host.run(["ln", "/etc/issue", "/srv/hard"])
    one, other = shared_lab_host.run(["stat", "-c", "%d %i", "/etc/issue", "/srv/hard"]).stdout.splitlines()
    shared_lab_host.run(["rm", "/srv/hard"])
    assert one == other


def test_users_get_in_with_the_labs_key(shared_lab_host: LabHost) -> None:
    assert ssh(shared_lab_host, "id -un").stdout == "root\n"
    assert ssh(shared_lab_host, "id -un; sudo id -un", user="ops").stdout == "ops\nroot\n"


def test_a_host_key_that_is_not_the_known_one_is_refused(shared_lab_host: LabHost, tmp_path: Path) -> None:
    other = tmp_path / "known_hosts"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "key"], check=True)
    other.write_text(f"{shared_lab_host.address} {(tmp_path / 'key.pub').read_text()}")
    argv = [part.replace(str(shared_lab_host.known_hosts), str(other)) for part in shared_lab_host.ssh_command()]
    answer = subprocess.run([*argv, "true"], capture_output=True, text=True, check=False)
    assert answer.returncode == 255
    assert "REMOTE HOST IDENTIFICATION HAS CHANGED" in answer.stderr


def test_packages_can_be_installed_from_the_archive(lab_host: LabHost) -> None:
    lab_host.run(["apt-get", "-q", "update"])
    lab_host.run(["apt-get", "-q", "-y", "install", "hello"], environment={"DEBIAN_FRONTEND": "noninteractive"})
    assert ssh(lab_host, "hello").stdout == "Hello, world!\n"


def test_a_layer_of_packages_is_there_from_the_first_second(lab_hosts: type_of_factory) -> None:
    (host,) = lab_hosts(1, packages=("nginx",))
    assert host.run(["systemctl", "is-active", "nginx"]).stdout == "active\n"


def test_extra_users_have_the_sudo_they_were_given(lab_hosts: type_of_factory) -> None:
    (host,) = lab_hosts(1, users=(ADMIN, DEPLOY))
    assert ssh(host, "sudo -n id -u", user="admin").stdout == "0\n"
    assert ssh(host, "sudo -n id -u", user="deploy").returncode != 0
    password = host.password_file("deploy").read_text()
    assert ssh(host, f"echo {password.strip()} | sudo -S -p '' id -u", user="deploy").stdout == "0\n"
    assert host.password_file("deploy").stat().st_mode & 0o077 == 0


def test_a_rebooted_host_keeps_its_files_and_is_a_new_boot(lab_host: LabHost) -> None:
    before = boot_id(lab_host)
    lab_host.run(["touch", "/etc/kept"])
    lab_host.reboot()
    assert boot_id(lab_host) != before
    assert (lab_host.root / "etc/kept").exists()


def test_a_host_can_reboot_itself(lab_host: LabHost) -> None:
    before = lab_host.leader_pid
    lab_host.run(["systemctl", "reboot"], check=False)
    wait_for(lambda: lab_host.leader_pid not in (None, before))
    lab_host.machine.wait_until_up(lab_host.address)
    assert ssh(lab_host, "true").returncode == 0


def test_a_host_whose_power_was_cut_starts_again_at_its_address(lab: Lab, lab_host: LabHost) -> None:
    lab_host.kill()
    assert not lab_host.is_running()
    with pytest.raises(LabError, match="is not running"):
        lab_host.run(["true"])
    assert [host.address for host in lab.up([lab_host.name])] == [lab_host.address]
    assert ssh(lab_host, "true").returncode == 0


def test_a_host_that_runs_is_left_as_it_is_and_never_silently_another(lab: Lab, lab_host: LabHost) -> None:
    leader = lab_host.leader_pid
    lab.up([lab_host.name])
    assert lab_host.leader_pid == leader
    with pytest.raises(LabError, match="made otherwise"):
        lab.up([lab_host.name], release="trixie")


def test_stopping_a_service_in_one_host_leaves_the_other_alone(lab_hosts: type_of_factory) -> None:
    first, second = lab_hosts(2)
    first.run(["systemctl", "stop", "ssh.service"])
    assert ssh(second, "systemctl is-active ssh.service").stdout == "active\n"


def test_a_new_host_at_a_removed_hosts_address_answers_at_once(lab: Lab, lab_host: LabHost) -> None:
    (old,) = lab.up(["short-lived"])
    assert ssh(old, "true").returncode == 0
    lab.down(["short-lived"])
    began = time.monotonic()
    (new,) = lab.up(["short-lived"])
    lab.down(["short-lived"])
    assert new.address == old.address
    assert time.monotonic() - began < 15


def test_the_inventory_lists_exactly_the_hosts_there_are(lab: Lab, lab_host: LabHost) -> None:
    listed = lab_inventory(lab.state_dir)["all"]["hosts"]
    assert set(listed) == {host.name for host in lab.hosts()}
    assert listed[lab_host.name]["ansible_host"] == lab_host.address
    assert lab_host.address in lab.inventory_file.read_text()
    lab.up(["gone"])
    lab.down(["gone"])
    assert "gone" not in lab.inventory_file.read_text() + (lab.state_dir / "known_hosts").read_text()


def test_hosts_are_open_to_their_users_whatever_the_umask(lab: Lab, tmp_path: Path) -> None:
    script = (
        "import os, sys, pathlib; os.umask(0o077); from provisioner.lab import Lab; "
        "Lab(pathlib.Path(sys.argv[1])).up(['strict'])"
    )
    subprocess.run([sys.executable, "-c", script, lab.state_dir], check=True, timeout=60)
    (host,) = lab.up(["strict"])
    try:
        assert ssh(host, "sudo -n true && cat /etc/hosts", user="ops").returncode == 0
    finally:
        lab.down(["strict"])


def test_down_leaves_nothing(lab: Lab, tmp_path: Path) -> None:
    mine = Lab(tmp_path / "mine")
    mine.up(count=2)
    assert traces(mine)
    mine.down([host.name for host in mine.hosts()])
    assert traces(mine) == []
    mine.down_all()
    assert traces(mine) == []


MOMENTS: dict[str, Callable[[Lab], object]] = {
    "its directory is made": lambda lab: lab.state_dir.exists(),
    "its bridge is made": lambda lab: Path("/sys/class/net", lab.tag).exists(),
    "a host is recorded": lambda lab: any(lab.state_dir.glob("hosts/*/host.json")),
    "a root is mounted": lambda lab: any(lab.state_dir.glob("hosts/*/root/etc")),
    "its keys are made": lambda lab: any(lab.state_dir.glob("hosts/*/root/etc/ssh/ssh_host_*")),
    "a namespace is made": lambda lab: any(Path("/run/netns").glob(f"{lab.tag}.*")),
    "a host boots": lambda lab: any(lab.state_dir.glob("hosts/*/console.log")),
    "a host is seen running": lambda lab: any(host.is_running() for host in lab.hosts()),
}


@pytest.mark.parametrize("moment", MOMENTS)
def test_down_leaves_nothing_of_an_up_that_was_killed_when(moment: str, lab: Lab, tmp_path: Path) -> None:
    mine = Lab(tmp_path / "mine")
    lab.up(count=0)  # the image is there: what is killed is the making of hosts
    script = "import sys, pathlib; from provisioner.lab import Lab; Lab(pathlib.Path(sys.argv[1])).up(count=2)"
    with subprocess.Popen([sys.executable, "-c", script, mine.state_dir]) as killed:
        wait_for(lambda: MOMENTS[moment](mine))
        killed.kill()
    mine.down_all()
    assert traces(mine) == []


def test_down_leaves_nothing_of_a_host_whose_start_was_not_to_be_seen_yet(
    lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A new process does not say what it is before it has become the program it was made for."""
    mine = Lab(tmp_path / "mine")
    lab.up(count=0)
    program, words = tmp_path / "setsid", tmp_path / "words"
    slow = f"until [ -e {tmp_path}/go ]; do sleep 0.05; done; xargs -0 -a {words} {shutil.which('setsid')}"
    program.write_text(f"#!/bin/sh\nprintf '%s\\0' \"$@\" > {words}.new; mv {words}.new {words}; exec sh -c '{slow}'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    script = "import sys, pathlib; from provisioner.lab import Lab; Lab(pathlib.Path(sys.argv[1])).up(count=1)"
    with subprocess.Popen([sys.executable, "-c", script, mine.state_dir]) as killed:
        wait_for(words.exists)
        killed.kill()
    threading.Timer(1, (tmp_path / "go").touch).start()
    mine.down_all()
    assert (tmp_path / "go").exists(), "down did not wait for it"
    assert traces(mine) == []


def test_an_up_after_a_killed_one_completes_its_hosts(lab: Lab, tmp_path: Path) -> None:
    mine = Lab(tmp_path / "mine")
    script = "import sys, pathlib; from provisioner.lab import Lab; Lab(pathlib.Path(sys.argv[1])).up(['a', 'b'])"
    with subprocess.Popen([sys.executable, "-c", script, mine.state_dir]) as killed:
        wait_for(lambda: MOMENTS["its keys are made"](mine))
        killed.kill()
    try:
        for host in mine.up(["a", "b"]):
            assert ssh(host, "true").returncode == 0
    finally:
        mine.down_all()
    assert traces(mine) == []


@pytest.mark.parametrize("packages", [(), ("hello",)], ids=["base", "layer"])
def test_a_killed_build_leaves_nothing_half_used(lab: Lab, tmp_path: Path, packages: tuple[str, ...]) -> None:
    lab.up(count=0)
    cache = tmp_path / "cache"
    cache.mkdir()
    if packages:
        for base in lab.cache_dir.glob("bookworm-*"):
            if "+" not in base.name:
                (cache / base.name).symlink_to(base)
    script = (
        "import sys, pathlib; from provisioner.lab import Lab; "
        "Lab(pathlib.Path(sys.argv[1]), cache_dir=pathlib.Path(sys.argv[2])).up(count=1, packages=sys.argv[3:])"
    )
    mine = Lab(tmp_path / "mine", cache_dir=cache)
    with subprocess.Popen([sys.executable, "-c", script, mine.state_dir, cache, *packages]) as killed:
        wait_for(lambda: any(cache.glob("*.building/*/var/lib/apt")))
        killed.kill()
    mine.down_all()
    kept = [path.name for path in cache.iterdir() if not path.is_symlink()]
    assert kept == []
    assert str(cache) not in Path("/proc/self/mountinfo").read_text()
    if packages:
        mine.up(["after"], packages=packages)[0].run(["hello"])
        mine.down_all()
    shutil.rmtree(cache)
