"""Waiting for apt's locks and judging its lists."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from provisioner.remote import aptget
from provisioner.remote.sdk import Completed
from provisioner.testing.inprocess import make_context

HOLD = """
import fcntl, sys, time
f = open(sys.argv[1], "w")
fcntl.lockf(f, fcntl.LOCK_EX)
print("held", flush=True)
time.sleep(60)
"""


@pytest.fixture
def held(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "lock"
    with subprocess.Popen([sys.executable, "-c", HOLD, str(path)], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield path
        process.kill()


def test_tells_who_holds_a_lock(held: Path) -> None:
    holder = aptget.lock_holder([str(held)])
    assert holder is not None
    assert "python" in holder
    assert "(process " in holder


def test_a_free_lock_and_a_missing_one_have_no_holder(tmp_path: Path) -> None:
    (tmp_path / "free").touch()
    assert aptget.lock_holder([str(tmp_path / "free"), str(tmp_path / "missing")]) is None


def test_reads_what_a_simulation_says() -> None:
    output = (
        "Inst curl [7.88-1] (7.88-2 Debian:12/stable [amd64])\nInst new (1.0 Debian:12/stable [amd64])\n"
        "Remv old [0.1]\n"
        "Purg older [0.2]\nConf curl (7.88-2)\n"
    )
    steps = {step.name: (step.before, step.after) for step in aptget._steps(output)}
    assert steps == {"curl": ("7.88-1", "7.88-2"), "new": ("", "1.0"), "old": ("0.1", ""), "older": ("0.2", "")}


@pytest.mark.parametrize(
    ("stderr", "message"),
    [
        ("E: Unable to locate package nope\n", "No package matching 'nope' is available"),
        ("E: Package 'x' has no installation candidate\n", "No package matching 'x' is available"),
        ("W: hm\nE: one\nE: two\n", "apt-get install failed: one; two"),
        ("dpkg: it broke\n", "apt-get install failed: dpkg: it broke"),
        ("", "apt-get install failed: no reason given"),
    ],
)
def test_a_failure_tells_apts_own_reason(stderr: str, message: str) -> None:
    assert str(aptget.failure(make_context(), "install", Completed(100, "", stderr))) == message


@pytest.mark.parametrize(
    "text",
    [
        "E: Unable to locate package x",
        "E: Package 'x' has no installation candidate",
        "Err:1 http://h x 404  Not Found [IP: 1 80]",
    ],
)
def test_knows_failures_that_new_lists_may_mend(text: str) -> None:
    assert aptget._OLD_LISTS.search(text)


class TestListsAge:
    @pytest.fixture
    def lists(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        lists = tmp_path / "lists"
        (tmp_path / "sources.d").mkdir()
        lists.mkdir()
        monkeypatch.setattr(aptget, "LISTS", str(lists))
        monkeypatch.setattr(aptget, "_STAMP", str(tmp_path / "stamp"))
        monkeypatch.setattr(aptget, "_SOURCES", (str(tmp_path / "sources.list"), str(tmp_path / "sources.d")))
        return lists

    def test_without_lists_there_is_no_age(self, lists: Path) -> None:
        assert aptget.lists_age(make_context()) is None

    def test_age_counts_from_the_last_refresh(self, lists: Path) -> None:
        (lists / "host_dists_main_binary-amd64_Packages").touch()
        os.utime(lists, (0, time.time() - 100))
        age = aptget.lists_age(make_context())
        assert age is not None
        assert 99 < age < 110

    def test_a_source_that_is_newer_makes_lists_useless(self, lists: Path) -> None:
        (lists / "host_dists_main_binary-amd64_Packages").touch()
        os.utime(lists, (0, time.time() - 100))
        (lists.parent / "sources.d" / "new.list").touch()
        assert aptget.lists_age(make_context()) is None
