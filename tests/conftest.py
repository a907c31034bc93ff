"""Fixtures for tests on real hosts: a lab of its own for every test process, gone when that process ends.

`lab_host` gives one fresh host, `lab_hosts(3, packages=("nginx",))` several; both are removed after the test.
`shared_lab_host` is one host for all tests of a module, for tests that only look or that clean up after themselves.
Tests that use any of these carry the marker `lab` by themselves.
"""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest
from hypothesis import settings

from provisioner.lab import Lab, LabHost

# How long an example takes says nothing on a busy machine.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")

# Runs of tests do not belong into the history of whoever starts them; tests about it switch it on.
os.environ["PROVISION_HISTORY"] = "off"

LAB_FIXTURES = {"lab", "lab_host", "lab_hosts", "shared_lab_host", "needs_lab"}
NAME = "provision-test-labs"
MEMORY = Path("/dev/shm")
DISK = Path(tempfile.gettempdir())
ROOM = 12 * 1024**3
"""Bytes of free memory from which on labs are kept in it: hosts that build apps write and delete many small files."""


#: Files that take minutes, longest first. A file stays with one worker, so these must not begin last.
LONG = ("tests/nextjs/test_end_to_end.py", "tests/nextjs/test_releases.py", "tests/nextjs/test_shipping.py",
        "tests/nextjs/test_interrupted.py", "tests/nextjs/test_inspect.py", "tests/nextjs/test_day2.py",
        "tests/nextjs/test_previous.py", "tests/nextjs/test_static_site.py", "tests/nextjs/test_hooks.py",
        "tests/nextjs/test_jobs.py", "tests/nextjs/test_browser.py", "tests/nextjs/test_shapes.py",
        "tests/modules/test_conformance.py", "tests/e2e/test_three_hosts.py", "tests/e2e/test_killed_controller.py",
        "tests/cloud/test_end_to_end.py", "tests/transport/test_faults.py", "tests/enrol/test_enrol.py",
        "tests/enrol/test_clouds.py", "tests/nextjs/test_matrix.py", "tests/cloud/test_killed.py",
        "tests/drift/test_on_a_host.py", "tests/schedule/test_on_a_host.py", "tests/drift/test_watch_on_a_host.py",
        "tests/cloud/tasks/", "tests/web/", "tests/fuzz/", "tests/engine/test_random_programs.py")


def pytest_configure() -> None:
    """A shell that starts tests in the background ignores interrupts, and so would every program that tests start."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if LAB_FIXTURES & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.lab)
    items.sort(key=lambda item: next((rank for rank, name in enumerate(LONG) if item.nodeid.startswith(name)),
                                     len(LONG)))


@pytest.fixture(scope="session")
def needs_lab() -> None:
    """Skip, with the reason, where lab hosts cannot run; fail where they must."""
    reasons = Lab.requirements()
    if reasons and os.environ.get("CI") == "true":
        pytest.fail(f"lab hosts must run here: {'; '.join(reasons)}")
    if reasons:
        pytest.skip("; ".join(reasons))


@pytest.fixture(scope="session")
def lab(needs_lab: None) -> Iterator[Lab]:
    """A lab of this test process; images come from the user's cache."""
    labs = _labs()
    for stale in (*MEMORY.glob(f"{NAME}/*"), *DISK.glob(f"{NAME}/*")):
        if stale.name != _owner(stale.name.partition(".")[0]):  # the process that made it was killed
            Lab(stale).down_all()
    lab = Lab(labs / _owner(str(os.getpid())))
    try:
        yield lab
    finally:
        lab.down_all()
        if labs.is_dir() and not any(labs.iterdir()):
            shutil.rmtree(labs, ignore_errors=True)


def _labs() -> Path:
    """Where labs are kept: in memory where there is plenty, else on the disk."""
    free = 1024 * int(Path("/proc/meminfo").read_text().partition("MemAvailable:")[2].split()[0])
    return (MEMORY if MEMORY.is_dir() and free > ROOM else DISK) / NAME


@pytest.fixture
def lab_hosts(lab: Lab) -> Iterator[Callable[..., list[LabHost]]]:
    """`lab_hosts(count=1, **options)` with the options of `Lab.up`; all its hosts are removed after the test."""
    with ExitStack() as cleanup:
        yield _factory(lab, cleanup)


@pytest.fixture
def lab_host(lab_hosts: Callable[..., list[LabHost]]) -> LabHost:
    return lab_hosts(1)[0]


@pytest.fixture(scope="module")
def shared_lab_host(lab: Lab) -> Iterator[LabHost]:
    with ExitStack() as cleanup:
        yield _factory(lab, cleanup)(1)[0]


def _factory(lab: Lab, cleanup: ExitStack) -> Callable[..., list[LabHost]]:
    def make(count: int = 1, *, names: Sequence[str] = (), **options: object) -> list[LabHost]:
        hosts = lab.up(names, count=0 if names else count, **options)  # type: ignore[arg-type]
        cleanup.callback(lab.down, [host.name for host in hosts])
        return hosts

    return make


def _owner(pid: str) -> str:
    """A name for the process that no later process with its number has; empty if it is gone."""
    try:
        start = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except OSError:
        return ""
    return f"{pid}.{start}"
