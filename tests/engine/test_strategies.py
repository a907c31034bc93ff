"""Who goes when, and whom a failure stops: `strategy`, `order`, `serial`, `max_fail_percentage`, `run_once`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from provisioner.events import Warned
from provisioner.template.effects import Effect
from provisioner.testing.play import Played, play

HOSTS = ("h1", "h2", "h3", "h4", "h5")


def run(directory: Path, play_text: str, failing: tuple[str, ...] = (), hosts: tuple[str, ...] = HOSTS,
        **more: Any) -> tuple[Played, list[str]]:
    """What happened, and the hosts in the order in which they did something."""
    order: list[str] = []

    def yum(host: str, args: dict[str, Any]) -> dict[str, Any]:
        order.append(host)
        return {"changed": True, "failed": host in failing and not args.get("safe"), "from": host}

    text = "- hosts: all\n  gather_facts: false\n" + play_text
    return play(text, hosts=hosts, modules={"yum": yum}, directory=directory, **more), order


@pytest.mark.parametrize(("order", "expected"), [
    ("inventory", ["b", "c", "a"]), ("reverse_inventory", ["a", "c", "b"]), ("sorted", ["a", "b", "c"]),
    ("reverse_sorted", ["c", "b", "a"]), ("shuffle", ["c", "a", "b"])])
def test_hosts_go_in_the_order_of_the_play(tmp_path: Path, order: str, expected: list[str]) -> None:
    asked: list[Effect] = []

    def answer(effect: Effect) -> list[int]:
        asked.append(effect)
        return [1, 2, 0]

    _, done = run(tmp_path, f"  order: {order}\n  serial: 1\n  tasks: [{{yum: {{}}}}]\n", hosts=("b", "c", "a"),
                  answers=answer)
    assert done == expected
    assert asked == ([Effect("shuffle", (3,))] if order == "shuffle" else [])


@pytest.mark.parametrize(("serial", "sizes"), [
    ("2", [2, 2, 1]), ('"40%"', [2, 2, 1]), ('"10%"', [1] * 5), ("[1, 3]", [1, 3, 1]), ('[1, "60%"]', [1, 3, 1]),
    ("0", [5]), ("[1, 2]", [1, 2, 2]), ("9", [5])])
def test_serial_cuts_the_hosts_and_its_last_number_repeats(tmp_path: Path, serial: str, sizes: list[int]) -> None:
    played, _ = run(tmp_path, f"  serial: {serial}\n  tasks:\n    - {{yum: {{}}, register: r}}\n"
                    "    - set_fact: {batch: \"{{ ansible_play_batch }}\"}\n", actions=_actions())
    batches = []
    for host in HOSTS:
        batch = played.variables(host)["batch"]
        batches += [batch] if batch not in batches else []
    assert [len(batch) for batch in batches] == sizes


def _actions() -> Any:
    from provisioner.actions.registry import Registry  # noqa: PLC0415

    return Registry()


@pytest.mark.parametrize(("limit", "second"), [(40, True), (39, False), (0, False)])
def test_too_many_failures_stop_everybody_when_there_are_more_than_the_limit(tmp_path: Path, limit: int,
                                                                             second: bool) -> None:
    _, done = run(tmp_path, f"  max_fail_percentage: {limit}\n  tasks: [{{yum: {{}}}}, {{yum: {{safe: true}}}}]\n",
                  failing=("h1", "h2"))
    assert (len(done) > 5) is second


def test_failures_of_earlier_batches_count(tmp_path: Path) -> None:
    text = "  serial: 2\n  max_fail_percentage: 50\n  tasks: [{yum: {}}, {yum: {safe: true}}]\n"
    _, done = run(tmp_path, text, failing=("h1", "h3"))
    assert done == ["h1", "h2", "h2", "h3", "h4"]


def test_a_rescued_failure_does_not_count(tmp_path: Path) -> None:
    played, _ = run(tmp_path, """  max_fail_percentage: 0
  tasks:
    - block: [{yum: {}}]
      rescue: [{yum: {safe: true}}]
    - {name: last, yum: {safe: true}}
""", failing=("h1",))
    assert [event.task.name for event in played.results("h1")][-1] == "last"


def test_hosts_that_go_apart_do_not_stop_each_other_and_it_is_told(tmp_path: Path) -> None:
    for strategy in ("free", "host_pinned"):
        played, _ = run(tmp_path, f"  strategy: {strategy}\n  any_errors_fatal: true\n"
                        "  tasks: [{yum: {}}, {yum: {safe: true}}]\n", failing=("h1",), shuffle=3)
        assert [len(played.results(host)) for host in HOSTS] == [1, 2, 2, 2, 2]
        assert sum("no host's failure stops another's" in event.message for event in played.events
                   if isinstance(event, Warned)) == 1


def test_run_once_is_done_by_every_host_that_goes_apart_and_it_is_told_once(tmp_path: Path) -> None:
    played, done = run(tmp_path, "  strategy: free\n  tasks: [{yum: {}, run_once: true, register: r}]\n", shuffle=1)
    assert sorted(done) == list(HOSTS)
    assert [played.variables(host)["r"]["from"] for host in HOSTS] == list(HOSTS)
    assert sum("`run_once`" in event.message for event in played.events if isinstance(event, Warned)) == 1


def test_run_once_is_done_once_a_batch_for_all_of_it(tmp_path: Path) -> None:
    played, done = run(tmp_path, "  serial: 2\n  tasks: [{yum: {}, run_once: true, register: r}]\n")
    assert done == ["h1", "h3", "h5"]
    assert [played.variables(host)["r"]["from"] for host in HOSTS] == ["h1", "h1", "h3", "h3", "h5"]


def test_a_fatal_failure_takes_every_host_through_the_always_section_around_it(tmp_path: Path) -> None:
    played, _ = run(tmp_path, """  any_errors_fatal: true
  tasks:
    - block: [{name: bad, yum: {}}]
      always: [{name: always, yum: {safe: true}}]
    - {name: behind, yum: {safe: true}}
""", failing=("h2",))
    for host in HOSTS:
        assert [event.task.name for event in played.results(host)] == ["bad", "always"]


def test_all_hosts_of_a_play_are_those_of_its_pattern_whatever_became_of_them(tmp_path: Path) -> None:
    played, _ = run(tmp_path, """  tasks: [{yum: {}}]
- hosts: all
  gather_facts: false
  tasks: [{set_fact: {seen: "{{ [ansible_play_hosts_all | length, ansible_play_hosts | length] }}"}}]
""", failing=("h2", "h3"), actions=_actions())
    assert played.variables("h1")["seen"] == [5, 3]
