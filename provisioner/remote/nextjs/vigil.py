"""Stays with instances that were healthy: do their processes live on, and do they still answer?"""

from __future__ import annotations

import time
from typing import Any, Callable, Dict, Iterable, Mapping, Optional

from provisioner.remote.nextjs import probe, service
from provisioner.remote.sdk import Ctx

PAUSE = 0.25
ASK_EVERY = 1.0


class Vigil:
    """One, over the processes that run when it begins.

    questions: unit -> what to ask it. since: what they had done when it began, for the message.
    """

    def __init__(self, ctx: Ctx, questions: "Mapping[str, Mapping[str, Any]]", build_id: "Optional[str]",
                 base_path: str, since: str) -> None:  # fmt: skip
        self._ctx = ctx
        self._questions = questions
        self._build = build_id, base_path
        self._since = since
        self._began = self._asked = time.monotonic()
        self._failures = 0
        self._first: "Dict[str, Optional[str]]" = {unit: service.show(ctx, unit).get("MainPID") for unit in questions}

    def keep(self, is_over: "Callable[[float], bool]") -> "Optional[str]":
        """Until `is_over`, which is told how many seconds have passed: what went wrong, or None. What has just answered
        and answers no more is asked once again: a busy host is no reason to go back, and no reason to end either."""
        while self._failures or not is_over(time.monotonic() - self._began):
            problem = self._look()
            if problem is not None:
                return problem
            time.sleep(PAUSE)
        return None

    def _look(self) -> "Optional[str]":
        now = time.monotonic()
        ended = self._ended()
        if ended is not None:
            return "it ended %.0f s after %s (%s)" % (now - self._began, self._since, ended)
        if now < self._asked + ASK_EVERY:
            return None
        self._asked = now
        problem = first_problem(self._questions.values(), *self._build)
        self._failures = self._failures + 1 if problem else 0
        return problem if self._failures >= 2 else None

    def _ended(self) -> "Optional[str]":
        """How an instance ended that had its first process number; None while all of them run."""
        for unit, pid in self._first.items():
            found = service.show(self._ctx, unit)
            if found.get("ActiveState") != "active" or found.get("MainPID") != pid or pid == "0":
                return "%s, exit status %s" % (found.get("Result"), found.get("ExecMainStatus"))
        return None


def first_problem(
    questions: "Iterable[Mapping[str, Any]]", build_id: "Optional[str]", base_path: str
) -> "Optional[str]":
    """What one of the instances answers wrongly."""
    answers = (probe.problem(question, build_id, base_path) for question in questions)
    return next((problem for problem in answers if problem), None)
