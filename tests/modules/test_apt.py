"""`apt` when another package manager is at work, on a real host."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from provisioner.lab import LabHost
from provisioner.testing.inprocess import run_module
from provisioner.testing.pipes import PipeRunner

HOLD = """
import fcntl, time
f = open("/var/lib/dpkg/lock-frontend", "w")
fcntl.lockf(f, fcntl.LOCK_EX)
time.sleep({seconds})
"""
BUILD = (
    "mkdir -p /opt/d/DEBIAN && "
    "printf 'Package: case\\nVersion: %s\\nArchitecture: all\\nMaintainer: x <x@example.com>\\n"
    "Description: x\\n' > /opt/d/DEBIAN/control && dpkg-deb -b /opt/d /opt/case.deb"
)


@pytest.fixture(scope="module")
def runner(shared_lab_host: LabHost) -> Iterator[PipeRunner]:
    prefix = ["nsenter", "-t", str(shared_lab_host.leader_pid), "-a", "--"]
    with PipeRunner(
        python="python3",
        prefix=prefix,
        timeout=60,
        environment={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root"},
    ) as session:
        yield session


@contextmanager
def locked(host: LabHost, seconds: float) -> Iterator[None]:
    """dpkg's lock is held, as unattended-upgrades does."""
    host.run(["systemd-run", "--unit=holder", "--collect", "python3", "-c", HOLD.format(seconds=seconds)])
    deadline = time.monotonic() + 10
    while (
        "/var/lib/dpkg/lock-frontend" not in host.run(["sh", "-c", "ls -l /proc/[0-9]*/fd 2>/dev/null || true"]).stdout
    ):
        assert time.monotonic() < deadline
    try:
        yield
    finally:
        host.run(["systemctl", "stop", "holder"], check=False)


def test_c9_waits_for_another_package_manager(shared_lab_host: LabHost, runner: PipeRunner) -> None:
    shared_lab_host.run(["sh", "-c", BUILD % "1.0"])
    with locked(shared_lab_host, 2):
        result = runner.call("apt", {"deb": "/opt/case.deb", "lock_timeout": 30})
    assert result["changed"], result


def test_c9_gives_up_in_time_and_says_who_holds_the_lock(shared_lab_host: LabHost, runner: PipeRunner) -> None:
    shared_lab_host.run(["sh", "-c", BUILD % "2.0"])
    with locked(shared_lab_host, 60):
        begun = time.monotonic()
        result = runner.call("apt", {"deb": "/opt/case.deb", "lock_timeout": 1})
        assert time.monotonic() - begun < 15
    assert result["failed"]
    assert "another program holds the package lock: python3 (process " in result["msg"]


def test_c9_reading_needs_no_lock(shared_lab_host: LabHost, runner: PipeRunner) -> None:
    with locked(shared_lab_host, 60):
        assert runner.call("apt", {"name": ["sudo", "systemd"], "lock_timeout": 0}) == {"changed": False}
        checked = runner.call("apt", {"deb": "/opt/case.deb", "lock_timeout": 0}, check=True)
    assert checked["changed"]


def test_a_version_that_is_older_needs_permission(shared_lab_host: LabHost, runner: PipeRunner) -> None:
    shared_lab_host.run(["sh", "-c", BUILD % "3.0"])
    assert runner.call("apt", {"deb": "/opt/case.deb"})["changed"]
    shared_lab_host.run(["sh", "-c", BUILD % "0.5"])
    assert "A later version of case is already installed" in runner.call("apt", {"deb": "/opt/case.deb"})["msg"]
    assert runner.call("apt", {"deb": "/opt/case.deb", "allow_downgrade": True})["changed"]


def test_a_url_is_no_file() -> None:
    assert "`get_url`" in run_module("apt", {"deb": "https://example.com/x.deb"})["msg"]


def test_something_must_be_asked_for() -> None:
    assert "is needed" in run_module("apt", {})["msg"]


SOURCE = """
mkdir -p /opt/src && cd /opt/src && printf 'Suite: case\\nComponents: main\\n' > Release && cat > Sources <<END
Package: case-source
Binary: case-source
Version: 1.0
Maintainer: x <x@example.com>
Build-Depends: tree
Architecture: all
Format: 1.0
Directory: .
Files:
 d41d8cd98f00b204e9800998ecf8427e 0 case-source_1.0.dsc
Checksums-Sha256:
 e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 0 case-source_1.0.dsc
END
echo 'deb-src [trusted=yes] file:/opt/src ./' > /etc/apt/sources.list.d/src.list
"""


def test_what_building_a_package_needs_is_installed_once(shared_lab_host: LabHost, runner: PipeRunner) -> None:
    shared_lab_host.run(["sh", "-c", f"{SOURCE} apt-get -qq update; apt-get -qq -y purge tree"])
    wished = {"name": "case-source", "state": "build-dep"}
    foreseen = runner.call("apt", wished, check=True)
    first, second = runner.call("apt", wished), runner.call("apt", wished)
    assert (foreseen["changed"], first["changed"], second["changed"]) == (True, True, False), (foreseen, first)
    assert {"tree", "build-essential"} <= set(first["packages"])
    shared_lab_host.run(["rm", "/etc/apt/sources.list.d/src.list"])


def test_a_source_that_cannot_be_read_is_taken_out_again(shared_lab_host: LabHost, runner: PipeRunner) -> None:
    """Else no package could be installed any more."""
    source = "deb [trusted=yes] http://127.0.0.1:1/nowhere ./"
    told = runner.call("apt_repository", {"repo": source, "update_cache_retries": 1})
    assert told["failed"], told
    assert "Failed to update apt cache" in told["msg"]
    assert "nowhere" not in shared_lab_host.run(["sh", "-c", "cat /etc/apt/sources.list.d/* || true"]).stdout


def test_a_source_is_read_at_once(shared_lab_host: LabHost, runner: PipeRunner) -> None:
    listed = "Package: case-own\\nVersion: 1\\nArchitecture: all\\nFilename: ./x.deb\\nSize: 1\\nDescription: x\\n"
    shared_lab_host.run(["sh", "-c", f"mkdir -p /opt/own && printf '{listed}' > /opt/own/Packages"])
    told = runner.call("apt_repository", {"repo": "deb [trusted=yes] file:/opt/own ./"})
    assert told["changed"], told
    assert "Version: 1" in shared_lab_host.run(["apt-cache", "show", "case-own"]).stdout
    assert runner.call("apt_repository", {"repo": "deb [trusted=yes] file:/opt/own ./", "state": "absent"})["changed"]
