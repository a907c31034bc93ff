from __future__ import annotations

from dataclasses import replace

import pytest

from provisioner.drift.findings import DRIFTED, PENDING, UNKNOWN, Check, check_of
from provisioner.drift.fixing import chosen
from provisioner.events import Event, ItemResult, MachinesPlanned, PlannedChange, Resource, RunEnded, Step, TaskRef
from provisioner.history.baselines import Baseline
from tests.drift.examples import DIFF, H1, MOTD, TASK, check, checked, finding, result

APPLIED = Baseline(frozenset({"aa", "bb"}), 100.0, 7)


def found(*results: Event, applying: tuple[str, ...] = ()) -> list[tuple[str, str]]:
    def known(resource: Resource) -> Baseline | None:
        return APPLIED if resource.name == MOTD.name else None

    return [(each.kind, each.reason) for each in check_of(checked(*results), known, applying).findings]


def test_what_the_last_apply_made_so_and_is_no_longer_so_has_drifted() -> None:
    assert found(result("changed")) == [(DRIFTED, "")]


def test_what_the_playbook_wants_otherwise_now_is_pending() -> None:
    assert found(result("changed", resource=replace(MOTD, wanted="cc"))) == [(PENDING, "")]


def test_what_was_never_applied_or_cannot_be_compared_is_pending_with_the_reason() -> None:
    other = replace(MOTD, name="other")
    assert found(result("changed", resource=other)) == [(PENDING, "never applied from here")]
    assert found(result("changed", resource=None)) == [(PENDING, "it can't be told whether this was applied before")]


@pytest.mark.parametrize("status", ["unknown", "failed", "unreachable"])
def test_what_could_not_be_checked_is_unknown(status: str) -> None:
    assert found(result(status)) == [(UNKNOWN, "because")]


def test_a_lost_host_in_a_loop_is_told() -> None:
    assert found(result("unreachable", loop=True)) == [(UNKNOWN, "because")]


@pytest.mark.parametrize("event", [
    result("ok"), result("skipped"), result("failed", ignored=True), result("changed", loop=True),
    result("changed", task=replace(TASK, handler=True)),
    result("changed", task=replace(TASK, module="meta"))])  # fmt: skip
def test_what_is_no_difference(event: Event) -> None:
    assert found(event) == []


def test_what_runs_for_real_in_a_check_is_no_difference_but_may_fail() -> None:
    assert found(result("changed", checked=False)) == []
    assert found(result("failed", checked=False)) == [(UNKNOWN, "because")]


def test_machines_that_would_be_changed_are_pending() -> None:
    planned = MachinesPlanned("shop", (PlannedChange("update", "~", "web-1", "lab"),), 2)
    assert found(planned) == [(PENDING, "it can't be told whether this was applied before")]


def test_items_of_a_loop_are_findings_of_their_own() -> None:
    items = [ItemResult(H1, TASK, name, "changed", {}, resource=MOTD, checked=True) for name in ("a", "b")]
    assert found(*items, result("changed", loop=True)) == [(DRIFTED, ""), (DRIFTED, "")]


def test_while_an_apply_is_at_work_nothing_is_called_drift() -> None:
    assert found(result("changed"), applying=("4711",)) == [(UNKNOWN, "run 4711 was changing hosts meanwhile")]
    assert found(result("ok"), applying=("4711",)) == []


def test_a_finding_keeps_its_key_when_its_task_moves() -> None:
    one = check_of(checked(result("changed")), lambda _: None, ()).findings[0]
    moved = replace(one, task=TaskRef("9.9", "Renamed", "copy", "other.yml:1"), kind=DRIFTED)
    assert one.key == moved.key
    assert one.key != replace(one, host="h9").key  # type: ignore[arg-type]


@pytest.mark.parametrize(("summed_up", "code"), [
    (check(), 0), (check(finding(DRIFTED)), 2), (check(finding(PENDING)), 2),
    (check(finding(DRIFTED), finding(UNKNOWN)), 1), (Check((), (), ended=True), 1),
    (Check((), (H1,), ended=False), 1)])  # fmt: skip
def test_unknown_wins_and_nothing_checked_is_not_clean(summed_up: Check, code: int) -> None:
    assert summed_up.exit_code == code


def test_a_check_that_broke_off_has_not_ended() -> None:
    events = [event for event in checked(result("changed")) if not isinstance(event, RunEnded)]
    assert not check_of(events, lambda _: None, ()).ended


APP = replace(TASK, module="nextjs_app")


def of_an_app(status: str, **told: object) -> list[tuple[str, str, str, object]]:
    told_of = replace(result(status, task=APP), result={"changed": status == "changed", **told})
    step = Step(H1, APP, "Start the release", "changed", 1.0, {"why": ["the unit"], "diff": [DIFF]})
    events = checked(step, told_of) if status == "changed" else checked(told_of)
    return [(each.kind, each.part, each.reason, each.diff) for each in check_of(events, lambda _: APPLIED, ()).findings]


def test_a_task_of_several_steps_tells_which_with_their_reasons_and_diffs() -> None:
    assert of_an_app("changed") == [(DRIFTED, "", "Start the release: the unit", [DIFF])]


def test_a_task_may_know_that_no_apply_has_done_it_yet() -> None:
    assert of_an_app("changed", pending="release a is deployed")[0][:3] == (PENDING, "", "release a is deployed")


@pytest.mark.parametrize("status", ["ok", "changed", "failed"])
def test_what_differs_in_itself_is_drift_whatever_the_task_would_do_and_is_not_fixed(status: str) -> None:
    *_, last = of_an_app(status, differs=[{"what": "unit: a", "before": "x", "after": "none"}])
    assert last == (DRIFTED, "unit: a", "", {"before": "x\n", "after": "none\n"})
    differing = replace(result("ok", task=APP), result={"differs": [{"what": "a", "before": "x", "after": "y"}]})
    assert chosen(check_of(checked(differing), lambda _: APPLIED, ()).findings, [], []) == []
