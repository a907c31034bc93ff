"""What `set_stats` keeps, summed up."""

from __future__ import annotations

from typing import Any

from provisioner.events import TaskRef, TaskResult
from provisioner.ui.customstats import CustomStats
from provisioner.values import HostName


def told(*data: Any, host: str = "h1", per_host: bool = False, aggregate: bool = True, module: str = "set_stats",
         stats: CustomStats | None = None) -> CustomStats:
    stats = stats or CustomStats()
    for one in data:
        result = {"ansible_stats": {"data": {"x": one}, "per_host": per_host, "aggregate": aggregate}}
        stats.feed(TaskResult(HostName(host), TaskRef("1", "t", module, "site.yml:1"), "ok", result))
    return stats


def test_values_are_added_to_those_before() -> None:
    for data, sum_ in (((1, 2), "3"), (("a", "b"), '"ab"'), (([1], [2]), "[1, 2]"), ((1, "b"), "1"),
                       (({"a": {"b": 1}}, {"a": {"c": 2}}), '{"a": {"b": 1, "c": 2}}')):
        assert list(told(*data).lines()) == [f'\tRUN: {{"x": {sum_}}}']


def test_values_may_replace_those_before() -> None:
    assert list(told(1, 2, aggregate=False).lines()) == ['\tRUN: {"x": 2}']


def test_hosts_have_lines_of_their_own() -> None:
    stats = told(1, host="b", per_host=True, stats=told(2, host="a", per_host=True, stats=told(3)))
    assert list(stats.lines()) == ['\ta: {"x": 2}', '\tb: {"x": 1}', '\tRUN: {"x": 3}']


def test_other_modules_keep_nothing() -> None:
    assert list(told(1, module="command").lines()) == []
