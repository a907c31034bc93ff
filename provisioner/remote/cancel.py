"""Why a task ends early. Shared by what watches (channel, process, runner) and what is watched."""

from __future__ import annotations

from typing import Any

from provisioner.remote.sdk import Cancelled


class TimedOut(Cancelled):
    """The task's own deadline has passed. `data`: fields for the failed result (output until then)."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.data: "dict[str, Any]" = {}


class Terminated(BaseException):
    """The runner was told to end at once (SIGTERM); no module may catch it."""
