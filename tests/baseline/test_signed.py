from __future__ import annotations

import json
from typing import Any

import pytest

from provisioner.baseline import signed
from provisioner.events import Resource
from provisioner.values import HostName

KEY, OTHER = b"k" * 32, b"o" * 32
WEB, OWN = HostName("web-1"), "192.0.2.1:"
MOTD = Resource(OWN, "copy", '{"dest": "/etc/motd"}', "wanted")
NAME = signed.id_of(KEY, MOTD, OWN)


def answer(key: bytes = KEY, host: HostName = WEB, **more: Any) -> dict[str, Any]:
    """As it comes over the wire."""
    line = signed.line(key, host, NAME, frozenset({"wanted"}), 1234.5678, "run")
    told: dict[str, Any] = json.loads(json.dumps({"lines": {NAME: line}, "damaged": False, "others": 0, **more}))
    return told


def test_what_was_signed_is_believed() -> None:
    record = signed.read(KEY, WEB, OWN, answer())
    found = record.baseline(MOTD)
    assert (record.problem, found and (found.wanted, found.applied)) == ("", (frozenset({"wanted"}), 1234.568))


def test_a_host_is_the_same_by_whatever_address_it_is_reached() -> None:
    elsewhere = Resource("10.0.0.1:22", MOTD.module, MOTD.name, MOTD.wanted)
    assert signed.id_of(KEY, elsewhere, "10.0.0.1:22") == NAME
    assert signed.id_of(KEY, elsewhere, OWN) != NAME


@pytest.mark.parametrize(("given", "problem"), [
    (answer(key=OTHER), "does not hold"),
    (answer(host=HostName("web-2")), "does not hold"),
    (answer(lines={NAME: [["other"], *answer()["lines"][NAME][1:]]}), "does not hold"),
    (answer(lines={NAME: [answer()["lines"][NAME][0], 9e9, *answer()["lines"][NAME][2:]]}), "does not hold"),
    (answer(lines={"another": answer()["lines"][NAME]}), "does not hold"),
    (answer(lines={NAME: None}), "does not hold"),
    (answer(lines={NAME: [{"wanted": []}, "x", 3, "ä"]}), "does not hold"),
    (answer(lines=[]), "damaged"),
    (answer(damaged=True), "damaged"),
    (answer(lines={}, others=1), "another key"),
    (answer(lines={}), ""),
])  # fmt: skip
def test_nothing_else_is(given: dict[str, Any], problem: str) -> None:
    record = signed.read(KEY, WEB, OWN, given)
    assert record.baseline(MOTD) is None
    assert problem in record.problem
    assert bool(problem) == bool(record.problem)


def test_what_was_tampered_with_does_not_take_the_rest_along() -> None:
    given = answer()
    given["lines"]["added"] = [["x"], 1.0, "run", "0" * 64]
    record = signed.read(KEY, WEB, OWN, given)
    assert record.baseline(MOTD) is not None
    assert "does not hold" in record.problem


def test_lines_say_nothing_to_who_lacks_the_key() -> None:
    assert "motd" not in json.dumps(answer())
    assert signed.id_of(OTHER, MOTD, OWN) != NAME
    assert signed.name_of_file(KEY) != signed.name_of_file(OTHER)
