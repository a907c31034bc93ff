"""Runs a driving action on real hosts without engine or playbook: the action's own test bench.

with bench([target], args={…}, cache_dir=tmp, state_dir=tmp) as calls:
    results = nextjs_app.run_batch(calls)
calls[0].round_trips; calls[0].shown      # what it cost, what it told
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from provisioner.actions.driving import HostDriving
from provisioner.events import Event, Step, Warned
from provisioner.messages import ActionHost, Become, Delegate, Target
from provisioner.transport.pool import SessionPool
from provisioner.values import HostName


@dataclass(slots=True)
class Shown:
    """What an action told about one host, in order."""

    events: list[Event] = field(default_factory=list)

    @property
    def steps(self) -> dict[str, str]:
        """Step -> status."""
        return {event.name: event.status for event in self.events if isinstance(event, Step)}

    def step(self, name: str) -> Mapping[str, Any]:
        """The result of a step."""
        return next(event.result for event in self.events if isinstance(event, Step) and event.name == name)

    @property
    def warnings(self) -> list[str]:
        return [event.message for event in self.events if isinstance(event, Warned)]


@dataclass(frozen=True, slots=True)
class Bench:
    """The calls to give to the action, and what each host's told."""

    calls: Sequence[HostDriving]
    shown: Mapping[HostName, Shown]


@contextlib.contextmanager
def bench(
    targets: Sequence[Target],
    args: Mapping[str, Any],
    *,
    scratch: Path,
    search: Sequence[str] = (),
    check: bool = False,
    diff: bool = True,
    become: Become | None = None,
    forks: int = 5,
    delegates: Sequence[Target] = (),
) -> Iterator[Bench]:
    """Sessions to `targets`, closed at the end. `args` are the same for all hosts. delegates: hosts outside of the
    play that the action may work with."""
    shown = {target.host: Shown() for target in targets}
    with SessionPool(lambda given: None, forks=forks) as pool:
        shares = [
            ActionHost(target.host, target, become, args, check, diff, search=tuple(search),
                       delegates={other.host: Delegate(other, become) for other in delegates})
            for target in targets
        ]
        folders = (str(scratch / "cache"), str(scratch / "state"))
        calls = [
            HostDriving(share, pool, shown[share.host].events.append, lambda value: None, *folders) for share in shares
        ]
        yield Bench(calls, shown)
