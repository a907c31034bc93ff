"""Which findings are put right."""

from __future__ import annotations

import pytest

from provisioner.drift.findings import DRIFTED, PENDING, UNKNOWN
from provisioner.drift.fixing import chosen, fixed, targets
from tests.drift.examples import H1, H2, MOTD, finding, result

DRIFT = finding(resource=MOTD)


@pytest.mark.parametrize(("hosts", "tasks", "found"), [
    ([], [], True), (["h1"], ["Motd"], True), (["x", "h?"], [], True), (["h2"], [], False), ([], ["motd"], False),
    ([], ["M*"], True), ([], ["base : Motd"], False),
])  # fmt: skip
def test_hosts_and_tasks_are_named_by_patterns(hosts: list[str], tasks: list[str], found: bool) -> None:
    assert chosen([DRIFT], hosts, tasks) == [DRIFT] * found


@pytest.mark.parametrize("kind", [PENDING, UNKNOWN])
def test_what_has_not_drifted_is_left_alone(kind: str) -> None:
    assert chosen([finding(kind, resource=MOTD)], [], []) == []


def test_a_resource_is_a_target_on_its_host_only() -> None:
    assert targets([DRIFT, finding(kind=DRIFTED)]) == {(H1, MOTD)}


@pytest.mark.parametrize(("status", "checked", "done"), [
    ("changed", False, True), ("ok", False, True), ("failed", False, False), ("changed", True, False)])  # fmt: skip
def test_only_what_was_applied_is_fixed(status: str, checked: bool, done: bool) -> None:
    other = finding(resource=MOTD, host=H2)
    assert fixed([DRIFT, other], [result(status, checked=checked)]) == [DRIFT] * done
