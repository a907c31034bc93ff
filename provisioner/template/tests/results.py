"""Tests on what a task registered: `result is changed`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from provisioner.values import Value


def _flag(result: Value, name: str) -> bool:
    if not isinstance(result, Mapping):
        raise TypeError("this asks about a registered result, which is a dictionary")
    return bool(result.get(name, False))


def changed(result: Value) -> bool:
    """
    >>> changed({"changed": True}), changed({"results": [{"changed": True}]})
    (True, True)
    """
    if "changed" in result or not isinstance(result.get("results"), list):
        return _flag(result, "changed")
    return any(_flag(item, "changed") for item in result["results"] if isinstance(item, Mapping))


def failed(result: Value) -> bool:
    """
    >>> failed({"failed": True}), failed({"rc": 1})
    (True, False)
    """
    return _flag(result, "failed")


def succeeded(result: Value) -> bool:
    """
    >>> succeeded({"rc": 0}), succeeded({"failed": True})
    (True, False)
    """
    return not failed(result)


def skipped(result: Value) -> bool:
    """
    >>> skipped({"skipped": True})
    True
    """
    return _flag(result, "skipped")


def unreachable(result: Value) -> bool:
    """
    >>> unreachable({"unreachable": True}), unreachable({})
    (True, False)
    """
    return _flag(result, "unreachable")


def reachable(result: Value) -> bool:
    """
    >>> reachable({"changed": True}), reachable({"unreachable": True})
    (True, False)
    """
    return not unreachable(result)


def started(result: Value) -> bool:
    """
    >>> started({"started": 1}), started({})
    (True, True)
    """
    return bool(result.get("started", True)) if isinstance(result, Mapping) else _flag(result, "started")


def finished(result: Value) -> bool:
    """
    >>> finished({"finished": 0}), finished({"finished": 1}), finished({"changed": True})
    (False, True, True)
    """
    return bool(result.get("finished", True)) if isinstance(result, Mapping) else _flag(result, "finished")


def timed_out(result: Value) -> bool:
    """
    >>> timed_out({"timedout": {"period": 5}}), timed_out({"failed": True})
    (True, False)
    """
    return bool(isinstance(result, Mapping) and result.get("timedout"))


TESTS: Mapping[str, Callable[..., Any]] = {
    "changed": changed, "change": changed, "failed": failed, "failure": failed, "succeeded": succeeded,
    "success": succeeded, "successful": succeeded, "skipped": skipped, "skip": skipped,
    "unreachable": unreachable, "reachable": reachable, "started": started, "finished": finished,
    "timedout": timed_out,
}
