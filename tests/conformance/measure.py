"""Runs one target and counts what it did."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from provisioner.lab import LabHost
from tests.conformance.place import prepare
from tests.conformance.yardstick import COUNTS, Target

_RECAP = re.compile(r"^\S+ +: (ok=\d+ .*\bfailed=\d+.*)$", re.MULTILINE)
_TASK = re.compile(r"(TASK|RUNNING HANDLER) \[")
_ASSERT = re.compile(r"TASK \[(?:.* : )?assert\]")
_RESULT = re.compile(r"(ok|failed): \[([^\]]+)\]")
_COUNT = re.compile(r"\b(ok|changed|skipped|ignored)=(\d+)")


@dataclass(frozen=True, slots=True)
class Measured:
    target: Target
    passed: bool
    """Whether the target itself ended well."""
    counts: tuple[int, ...]
    seconds: float
    last_words: str

    @property
    def equal(self) -> bool:
        """Whether status and counts are ansible-core's."""
        pairs = zip(self.counts, self.target.counts, strict=True)
        return self.passed == self.target.passes and all(wanted in (None, count) for count, wanted in pairs)


def measure(
    target: Target, sources: Path, host: LabHost | None, timeout: float, logs: Path, reference: Path | None = None
) -> Measured:
    """reference: as `place.prepare` has it."""
    place = Path(tempfile.mkdtemp(prefix="provision-conformance-"))
    began = time.monotonic()
    try:
        box = prepare(target, sources, place, _variables(host, reference), reference)
        passed, said = _run(["unshare", "--mount", "--pid", "--fork", "--kill-child", "bash", str(box)], timeout)
        log = place / "log"
        told = log.read_text(errors="replace") if log.exists() else ""
    finally:
        shutil.rmtree(place, ignore_errors=True)
    logs.mkdir(parents=True, exist_ok=True)
    (logs / f"{target.name.replace('/', '_').replace(':', '_')}.log").write_text(said)
    return Measured(target, passed, counted(told), time.monotonic() - began, _last(said))


def counted(told: str) -> tuple[int, ...]:
    """The sums over all recaps in an output, in the order of COUNTS."""
    sums = dict.fromkeys(COUNTS, 0)
    for line in _RECAP.findall(told):
        for name, number in _COUNT.findall(line):
            sums[name] += int(number)
    sums["asserts"] = _passed_asserts(told)
    return tuple(sums.values())


def _passed_asserts(told: str) -> int:
    """Tasks of `assert` that passed, on each host; one with a loop counts once, and only if no item failed.

    They are known by what they say (also where `failed_when` expects them to fail), or by the name that a task
    without a name has.
    """
    passed: set[tuple[int, str]] = set()
    failed: set[tuple[int, str]] = set()
    task, status, host, unnamed = 0, "", "", False
    for line in told.splitlines():
        if _TASK.match(line):
            task += 1
            unnamed = _ASSERT.match(line) is not None
        elif result := _RESULT.match(line):
            status, host = result.groups()
            if status == "failed":
                failed.add((task, host))
            elif unnamed and status == "ok":
                passed.add((task, host))
        if "All assertions passed" in line or ('"evaluated_to": false' in line and status == "ok"):
            passed.add((task, host))
    return len(passed - failed)


def _run(command: list[str], timeout: float) -> tuple[bool, str]:
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, errors="replace", timeout=timeout, check=False)
    except subprocess.TimeoutExpired as error:
        return False, f"{(error.stdout or b'').decode(errors='replace')}\nno end after {timeout:.0f} s"
    return done.returncode == 0, done.stdout


def _variables(host: LabHost | None, reference: Path | None) -> str:
    if host is None:
        python = reference / "python" if reference else "/usr/bin/python3"
        return f"ansible_connection=local ansible_python_interpreter={python}"
    return (f"ansible_host={host.address} ansible_user=root ansible_ssh_private_key_file={host.key_file} "
            f"ansible_ssh_known_hosts_file={host.known_hosts} ansible_python_interpreter=/usr/bin/python3")


def _last(said: str) -> str:
    """What explains a failure best: the last line that tells of one, else the last line."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    telling = [line for line in lines if re.search(r"fatal:|: error:|\[ERROR\]|^ERROR", line)]
    return (telling or lines or [""])[-1]
