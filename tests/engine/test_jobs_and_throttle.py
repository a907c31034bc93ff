"""`async`, `poll` and `throttle` in the engine, with hosts made of functions."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from provisioner.actions.registry import Registry
from provisioner.engine.batch import Options
from provisioner.engine.routines import Enter, Gate, Leave, Routine, Scheduler, Together
from provisioner.events import HostBegan, TaskResult, Warned
from provisioner.messages import Emit
from provisioner.testing.play import Played, play

HEAD = "- hosts: all\n  gather_facts: false\n"


class Jobs:
    """A host that says of each job that it has ended when asked for the `ends_at`-th time."""

    def __init__(self, ends_at: int = 2) -> None:
        self.ends_at = ends_at
        self.asked = 0

    def start(self, host: str, args: dict[str, Any]) -> dict[str, Any]:
        return {"changed": True, "started": True, "finished": False, "ansible_job_id": "j1.1", "results_file": "/j"}

    def status(self, host: str, args: dict[str, Any]) -> dict[str, Any]:
        if args.get("mode") == "cleanup":
            return {"changed": False, "erased": "/j"}
        self.asked += 1
        if self.asked < self.ends_at:
            return {"changed": False, "started": True, "finished": False}
        return {"changed": True, "started": True, "finished": True, "rc": 0}


def run(directory: Path, tasks: str, jobs: Jobs, hosts: Any = ("h1",), **more: Any) -> Played:
    return play(HEAD + tasks, hosts=hosts, directory=directory, **more,
                modules={"yum": jobs.start, "async_status": jobs.status})


def test_a_job_is_awaited_and_its_result_is_the_tasks(tmp_path: Path) -> None:
    played = run(tmp_path, "  tasks: [{yum: {}, async: 60, poll: 5, register: r}]\n", Jobs(3))
    asked = [args for module, args in played.history["h1"] if module == "async_status"]
    assert asked == [{"jid": "j1.1", "_async_dir": "~/.ansible_async"}] * 3 + [
        {"jid": "j1.1", "_async_dir": "~/.ansible_async", "mode": "cleanup"}]
    assert played.statuses("h1") == ["changed"]
    assert played.variables("h1")["r"]["rc"] == 0


@pytest.mark.parametrize("seconds", [-1, 100_000_001])
def test_a_timeout_that_cannot_be_fails_its_task(tmp_path: Path, seconds: int) -> None:
    played = run(tmp_path, f"  tasks: [{{yum: {{}}, timeout: {seconds}}}]\n", Jobs())
    assert f"Timeout {seconds} is invalid" in str(played.results("h1")[0].result["msg"])
    assert not played.history


def test_a_job_with_poll_0_is_left_alone(tmp_path: Path) -> None:
    played = run(tmp_path, "  tasks: [{yum: {}, async: 60, poll: 0, register: r}, {yum: {}}]\n", Jobs())
    assert [module for module, _ in played.history["h1"]] == ["yum", "yum"]
    assert played.segments == 1
    assert played.variables("h1")["r"]["ansible_job_id"] == "j1.1"


def test_a_job_that_is_not_done_in_time_fails_its_task(tmp_path: Path) -> None:
    played = run(tmp_path, "  tasks: [{yum: {}, async: 10, poll: 5}]\n", Jobs(9))
    assert played.results("h1")[0].result["msg"] == "async task did not complete within the requested time - 10s"


def test_jobs_are_kept_where_the_variable_says(tmp_path: Path) -> None:
    played = run(tmp_path, "  vars: {ansible_async_dir: /srv/jobs}\n  tasks: [{yum: {}, async: 60, poll: 1}]\n", Jobs())
    assert {args["_async_dir"] for module, args in played.history["h1"] if module == "async_status"} == {"/srv/jobs"}


def test_what_needs_the_controller_cannot_be_a_job(tmp_path: Path) -> None:
    played = run(tmp_path, "  tasks: [{debug: {msg: a}, async: 60}]\n", Jobs(), actions=Registry())
    assert played.results("h1")[0].result["msg"] == "`debug` can't be run with `async`"


def test_check_mode_starts_no_job(tmp_path: Path) -> None:
    played = run(tmp_path, """  tasks:
    - {yum: {}, async: 60, poll: 0, register: r}
    - {async_status: {jid: "{{ r.ansible_job_id }}"}}
""", Jobs(), options=Options(check=True))
    assert played.history == {}
    assert played.statuses("h1") == ["unknown", "unknown"]


def routine(number: int, gate: Gate, log: list[str]) -> Generator[Any, Any, None]:
    yield Enter(gate)
    log.append(f"in {number}")
    yield Emit(Warned(str(number)))
    log.append(f"out {number}")
    yield Leave(gate)


def test_a_gate_lets_through_only_so_many_and_the_others_in_order() -> None:
    gate = Gate(1)
    log: list[str] = []

    def everybody() -> Routine[None]:
        yield Together(tuple(routine(number, gate, log) for number in range(3)))
        log.append("over")

    Scheduler().start(everybody())
    assert log == ["in 0", "out 0", "in 1", "out 1", "in 2", "out 2", "over"]
    assert (gate.inside, len(gate.waiting)) == (0, 0)


def overlaps(played: Played) -> list[str]:
    """Hosts in the order in which they began and ended the task."""
    return [f"{type(event).__name__} {event.host}" for event in played.events
            if isinstance(event, (HostBegan, TaskResult))]


def test_throttle_lets_one_host_after_the_other_do_a_task(tmp_path: Path) -> None:
    for strategy in ("linear", "free"):
        for seed in range(5):
            played = run(tmp_path, f"  strategy: {strategy}\n  tasks: [{{yum: {{}}, throttle: 1}}]\n", Jobs(),
                         hosts=("h1", "h2", "h3"), shuffle=seed)
            assert overlaps(played) == [f"{kind} {host}" for host in ("h1", "h2", "h3")
                                        for kind in ("HostBegan", "TaskResult")]
