"""The decisions of a release, alone and against a small model of a host that may die at any moment."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from dataclasses import replace as changed

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioner.remote.nextjs import release
from provisioner.remote.nextjs.release import BACK, CUT_OFF, DONE, FAILED, FORWARD, STUCK, Seen, State, next_step

UPDATE = Seen(has_old=True)
FIRST = Seen(has_old=False)
WARM = Seen(has_old=True, new_is_warm=True)


def way(seen: Seen, failing: str = "") -> list[str]:
    steps: list[str] = []
    state: State | None = None
    while (step := next_step(state, seen)) not in (None, STUCK):
        assert step is not None
        steps.append(step)
        outcome = FAILED if step == failing else DONE
        state = State(step, outcome, pointed="point" in steps)
    return [*steps, STUCK] if step else steps


def test_a_release_that_is_well_goes_all_the_way() -> None:
    assert way(UPDATE) == list(FORWARD)


def test_the_first_release_has_no_requests_to_move() -> None:
    assert way(FIRST) == ["lay", "start", "check", "enable", "point", "retire", "settle"]


def test_a_release_that_runs_already_is_only_looked_at_before_it_gets_the_requests() -> None:
    assert way(WARM) == ["check", "enable", "point", "watch", "retire", "settle"]


@pytest.mark.parametrize("failing", ["lay", "start", "check", "enable"])
def test_a_release_that_nobody_saw_is_removed_without_touching_the_old_one(failing: str) -> None:
    assert way(UPDATE, failing) == [*FORWARD[: FORWARD.index(failing) + 1], "reopen", "remove", "restore"]


@pytest.mark.parametrize("failing", ["point", "watch"])
def test_a_release_that_had_requests_gives_them_back_before_it_is_stopped(failing: str) -> None:
    assert way(UPDATE, failing) == [*FORWARD[: FORWARD.index(failing) + 1], *BACK]


@pytest.mark.parametrize("failing", ["retire", "settle"])
def test_there_is_no_way_back_from_a_retired_slot(failing: str) -> None:
    assert way(UPDATE, failing) == [*FORWARD[: FORWARD.index(failing) + 1], STUCK]


def test_a_failed_first_release_is_removed() -> None:
    assert way(FIRST, "check") == ["lay", "start", "check", "remove", "restore"]


@pytest.mark.parametrize(("step", "well", "then"), [
    ("lay", False, "reopen"), ("start", False, "reopen"), ("check", False, "reopen"), ("enable", False, "reopen"),
    ("point", True, "point"), ("point", False, "reopen"), ("watch", True, "point"), ("watch", False, "reopen"),
    ("retire", False, "retire"), ("settle", False, "retire"), ("reopen", False, "reopen"), ("return", True, "reopen"),
    ("drain", True, "reopen"), ("remove", False, "remove"), ("restore", False, "restore"),
])  # fmt: skip
def test_what_was_cut_off_is_finished_or_taken_back(step: str, well: bool, then: str) -> None:
    assert next_step(State(step, CUT_OFF, pointed=True), UPDATE._replace(new_is_well=well)) == then


def test_an_old_release_that_does_not_come_back_leaves_the_new_one_where_it_has_the_requests() -> None:
    assert next_step(State("reopen", FAILED, pointed=True), UPDATE) == STUCK
    assert next_step(State("reopen", FAILED, pointed=False), UPDATE) == "remove"


# -- a host that may die ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Machine:
    """named: by the web server's file; serving: by the web server as it was loaded last."""

    running: frozenset[str] = frozenset({"old"})
    enabled: frozenset[str] = frozenset({"old"})
    named: str = "old"
    serving: str = "old"
    laid: bool = False
    journal: State | None = None
    live: str = "old"

    def boot(self) -> Machine:
        return changed(self, running=self.enabled, serving=self.named)

    def answers(self) -> bool:
        return self.serving in self.running


@dataclass
class Fate:
    """Which of the steps fail, and after how many effects the runner is killed or the power cut, again and again."""

    failing: frozenset[str]
    deaths: list[tuple[int, bool]]
    seen: list[Machine] = field(default_factory=list)


def effects(machine: Machine, step: str) -> Iterator[Machine]:
    """The host after every single effect of a step, in order."""
    with_new, without_new = machine.running | {"new"}, machine.running - {"new"}
    table: dict[str, list[dict[str, object]]] = {
        "lay": [{"running": without_new}, {"laid": True}],
        "start": [{"running": with_new}],
        "enable": [{"enabled": machine.enabled | {"new"}}],
        "point": [{"named": "new"}, {"serving": "new"}],
        "retire": [{"enabled": machine.enabled - {"old"}}, {"running": machine.running - {"old"}}],
        "settle": [{"live": "new", "journal": None}],
        "reopen": [{"running": machine.running | {"old"}}],
        "return": [{"named": "old"}, {"serving": "old"}],
        "remove": [{"enabled": machine.enabled - {"new"}}, {"running": without_new}, {"laid": False}],
        "restore": [{"live": "old", "journal": None}],
    }
    for change in table.get(step, []):
        machine = changed(machine, **change)  # type: ignore[arg-type]
        yield machine


def run(machine: Machine, fate: Fate) -> tuple[Machine, bool]:
    """One run of the tool on a machine: ended (True), or killed on the way."""
    if machine.live == "new" and machine.journal is None:  # killed when all was done: there is nothing to release
        return machine, True
    left, power = fate.deaths.pop(0) if fate.deaths else (10_000, False)
    state = State(machine.journal.step, CUT_OFF, machine.journal.pointed) if machine.journal else None
    while True:
        well = "new" in machine.running and "watch" not in fate.failing
        step = next_step(state, UPDATE._replace(new_is_well=well))
        assert step != STUCK
        if step is None:
            return machine, True
        pointed = step == "point" or (state is not None and state.pointed)
        outcome = FAILED if step in fate.failing else DONE
        machine = changed(machine, journal=State(step, outcome, pointed))
        happening = [machine] if step == "point" and outcome == FAILED else [machine, *effects(machine, step)]
        for machine in happening:
            fate.seen.append(machine)
            left -= 1
            if left <= 0:
                return (machine.boot() if power else machine), False
        state = State(step, outcome, pointed)


@given(
    failing=st.frozensets(st.sampled_from(["lay", "start", "check", "enable", "point", "watch"])),
    deaths=st.lists(st.tuples(st.integers(1, 30), st.booleans()), max_size=6),
)
def test_whenever_it_dies_requests_are_answered_and_one_release_is_left(
    failing: frozenset[str], deaths: list[tuple[int, bool]]
) -> None:
    fate = Fate(failing, list(deaths))
    machine, ended = Machine(), False
    for _ in range(len(deaths) + 1):
        machine, ended = run(machine, fate)
        assert machine.answers()
        if ended:
            break
    assert ended
    assert all(found.answers() for found in fate.seen)
    assert all(found.boot().answers() for found in fate.seen), (
        "no power cut needs a repair before requests are answered"
    )
    assert (machine.running, machine.enabled, machine.named, machine.serving) == (
        frozenset({machine.live}), frozenset({machine.live}), machine.live, machine.live)  # fmt: skip
    assert machine.journal is None


def test_the_model_knows_every_step_that_changes_something() -> None:
    still = {"check", "watch", "drain"}
    assert {step for step in (*release.FORWARD, *release.BACK) if not list(effects(Machine(), step))} == still
