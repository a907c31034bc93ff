"""What comes next in a release: decided from the journal and from what is seen, without touching anything.

The way forward                           The way back
  lay      units, variables, link           reopen   the old slot runs (it was never stopped, but it may have died)
  start    the services of the new slot     return   the lane to the old slot is opened again
  check    they answer with their build     drain    the last requests to the new slot end
  enable   they start at boot too           remove   the new slot is stopped and emptied
  point    the lane to it is opened         restore  the journal names the old slot
  watch    it stays well, the last requests to the old slot end
  retire   slots that nobody needs any more do not start at boot and are stopped
  settle   `current` and the journal name the new slot

A new slot that runs already, as the one before does where it is kept, begins with `check`. From `enable` until `retire`
both slots start at boot, so whatever lane is open then leads somewhere after a power cut. From `retire` on there is no
way back. The journal has the name of a step before the step is begun; every step may be done again.
"""

from __future__ import annotations

from typing import NamedTuple, Optional

LAY, START, CHECK, ENABLE, POINT, WATCH, RETIRE, SETTLE = FORWARD = (
    "lay", "start", "check", "enable", "point", "watch", "retire", "settle",
)  # fmt: skip
REOPEN, RETURN, DRAIN, REMOVE, RESTORE = BACK = ("reopen", "return", "drain", "remove", "restore")

DONE, FAILED, CUT_OFF = "done", "failed", "cut off"

STUCK = "stuck"
"""Nothing more can be done from here: neither release works. The journal stays for the next run."""


class State(NamedTuple):
    """What the journal tells. outcome: of `step`; CUT_OFF when nobody lived to see it."""

    step: str
    outcome: str
    pointed: bool = False
    """`point` was begun in this release: the lane to the new slot may be open, or about to be."""


class Seen(NamedTuple):
    """What is found on the host."""

    has_old: bool
    new_is_warm: bool = False
    """It runs since an earlier release."""
    new_is_well: bool = False
    """Looked at only after `point` or `watch` was cut off."""


def next_step(state: "Optional[State]", seen: Seen) -> "Optional[str]":
    """The step to do now; None when the release is over. `state` is None before the first step."""
    if state is None:
        return CHECK if seen.new_is_warm else LAY
    if state.outcome == CUT_OFF:
        return _after_death(state, seen)
    if state.outcome == FAILED:
        return _after_failure(state, seen)
    way = BACK if state.step in BACK else FORWARD
    return _first(way[way.index(state.step) + 1 :], state, seen)


def _after_death(state: State, seen: Seen) -> "Optional[str]":
    """Before `point` nobody has seen the new release: it goes. Later the one that is well stays."""
    if state.step in (RETIRE, SETTLE):
        return RETIRE
    if state.step in (REMOVE, RESTORE):
        return state.step
    if state.step in (POINT, WATCH) and seen.new_is_well:
        return POINT
    return _first(BACK, state, seen)


def _after_failure(state: State, seen: Seen) -> "Optional[str]":
    if state.step == REOPEN and not state.pointed:
        return REMOVE
    if state.step in BACK or state.step in (RETIRE, SETTLE):
        return STUCK
    return _first(BACK, state, seen)


def _first(steps: "tuple[str, ...]", state: State, seen: Seen) -> "Optional[str]":
    return next((step for step in steps if _applies(step, state, seen)), None)


def _applies(step: str, state: State, seen: Seen) -> bool:
    if step in (WATCH, REOPEN):
        return seen.has_old
    if step in (RETURN, DRAIN):
        return seen.has_old and state.pointed
    return True
