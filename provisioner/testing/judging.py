"""What the answers during releases have to be. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from provisioner.testing.traffic import Answer


@dataclass(frozen=True, slots=True)
class Phase:
    """One change of a host: what was live before it and what is after it; seconds of the machine's monotonic clock."""

    name: str
    before: str
    after: str
    began: float
    ended: float


def failures(answers: Iterable[Answer], phases: Sequence[Phase]) -> Iterator[str]:
    """All that is wrong, in words: requests without a whole answer, and answers of a build that was not live.

    Within a phase both builds may answer, but none the old one any more once a request that came earlier has got its
    answer from the new one. Phases follow one another in order, and without any every build may answer.
    """
    known = sorted(answers, key=lambda answer: answer.began)
    switched = [_first_of_the_new(known, phase) for phase in phases]
    for answer in known:
        wrong = answer.problem or _wrong_build(answer, phases, switched)
        if wrong:
            yield f"{answer.request}: {wrong} ({_when(answer, phases)})"


def _first_of_the_new(answers: Sequence[Answer], phase: Phase) -> float:
    """When the first answer of the new build was there; at the latest the end of the phase."""
    if phase.before == phase.after:
        return phase.ended
    came = (answer.ended for answer in answers if answer.build == phase.after and phase.began <= answer.began)
    return min(phase.ended, next(came, phase.ended), *came)


def _wrong_build(answer: Answer, phases: Sequence[Phase], switched: Sequence[float]) -> str | None:
    if not phases:
        return None
    if answer.build is None:
        return "names no build"
    allowed = set()
    if answer.began < switched[0]:
        allowed.add(phases[0].before)
    for number, phase in enumerate(phases):
        over = switched[number + 1] if number + 1 < len(phases) else float("inf")
        if answer.ended >= phase.began and answer.began < over:
            allowed.add(phase.after)
    if answer.build in allowed:
        return None
    return f"answered by build {answer.build}, but live was {' or '.join(sorted(allowed))}"


def _when(answer: Answer, phases: Sequence[Phase]) -> str:
    """Where in the phases a request was asked."""
    for phase in reversed(phases):
        if answer.began >= phase.began:
            place = f"{answer.began - phase.began:.2f} s into" if answer.began < phase.ended else "after"
            return f"{place} {phase.name}, took {answer.ended - answer.began:.2f} s"
    return f"took {answer.ended - answer.began:.2f} s"
