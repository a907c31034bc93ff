"""One host on its way through the steps of a deploy: carries them out, shows them, remembers them."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from provisioner.actions.base import Driving
from provisioner.diag import ProvisionError
from provisioner.messages import Content
from provisioner.nextjs.findings import Verdict
from provisioner.nextjs.plan import Facts, Place
from provisioner.nextjs.settings import Settings
from provisioner.remote.nextjs.layout import Layout
from provisioner.values import HostName


class StepFailed(ProvisionError):
    """A step failed on a host; `result` is what the host said."""

    def __init__(self, step: str, result: Mapping[str, Any]) -> None:
        super().__init__(f"{step}: {result.get('msg', 'failed')}")
        self.result = result


@dataclass(slots=True)
class Host:
    """`facts` are what `nextjs_status` said, empty before. Used by one thread at a time.

    place: where the app is built on a machine that does not run it; what is done there is told of the host it is for,
    and `facts` are what `nextjs_place` said.
    """

    call: Driving
    settings: Settings
    facts: Facts = field(default_factory=dict)
    steps: list[dict[str, Any]] = field(default_factory=list)
    place: Place | None = None

    @property
    def user(self) -> str | None:
        """As whom the app is built: where it runs, its own user."""
        return self.settings.user if self.place is None else self.place.user

    @property
    def layout(self) -> Layout:
        return Layout(self.settings.name, self.place.path if self.place else None)

    @property
    def name(self) -> HostName:
        return self.call.host

    def app(self, step: str, module: str, args: Mapping[str, Any], contents: Sequence[Content] = ()) -> dict[str, Any]:
        """A step done by one of the app's own modules, which all take its name."""
        return self.do(step, module, {"name": self.settings.name, "place": self.layout.place, **args}, contents)

    def do(self, step: str, module: str, args: Mapping[str, Any], contents: Sequence[Content] = ()) -> dict[str, Any]:
        """Carry a step out (in check mode: predict it) and show it. Arguments that are None are left out.

        Raises `StepFailed`."""
        self.call.progress(step)
        began = time.monotonic()
        given = {name: value for name, value in args.items() if value is not None}
        result = self.call.call(module, given, contents=contents)
        self.show(step, result, ms=(time.monotonic() - began) * 1000)
        if result.get("failed"):
            raise StepFailed(step, result)
        return result

    def fine(self, step: str, **result: Any) -> None:
        """A step with nothing to do."""
        self.show(step, {"changed": False, **result})

    def judge(self, step: str, verdict: Verdict) -> None:
        """A step that only looks: shows what it found. Raises `StepFailed` with all errors."""
        for warning in verdict.warnings:
            self.call.warn(warning)
        if not verdict.errors:
            self.fine(step)
            return
        lines = "".join(f"\n- {error}" for error in verdict.errors)
        message = f"{len(verdict.errors)} things are in the way:{lines}" if verdict.errors[1:] else verdict.errors[0]
        result = {"failed": True, "msg": f"{message}\nNothing was changed on this host."}
        self.show(step, result)
        raise StepFailed(step, result)

    def summary(self) -> dict[str, Any]:
        """The part of the task's result that tells about the steps so far."""
        changed = any(step.get("changed") for step in self.steps)
        return {"app": self.settings.name, "changed": changed, "steps": list(self.steps)}

    def show(self, step: str, result: Mapping[str, Any], *, ms: float = 0.0) -> None:
        """Tell what came of a step, and remember it."""
        status = {key: result[key] for key in ("changed", "failed", "unknown", "skipped") if result.get(key)}
        self.steps.append({"name": step, **(status or {"changed": False})})
        self.call.step(step, result, ms=ms)
