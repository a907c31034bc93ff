"""Live output in whole lines: a secret cut in two by the network would pass the redactor unseen."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Final, TypeAlias

from provisioner.events import Event, HostBegan, HostText, ItemResult, Step, TaskResult, mended
from provisioner.values import HostName

_LONGEST: Final = 64 * 1024
_OVERLAP: Final = 4 * 1024
"""Of a line without an end this much is kept back when it must go out in parts."""

_Key: TypeAlias = tuple[HostName, str, str]


@dataclass(slots=True)
class LineJoiner:
    """Holds back the unfinished last line of a stream until its rest comes or the host does something else."""

    cut: Callable[[str, int], int] = lambda text, at: at
    """Moves a cut inside a line that is too long to be kept to where it does no harm (`Redactor.cut`)."""
    pending: dict[_Key, HostText] = field(default_factory=dict)

    def feed(self, event: Event) -> Iterator[Event]:
        """What can be told now, `event` itself included."""
        if isinstance(event, HostText) and event.stream != "progress":
            yield from self._text(event)
            return
        if isinstance(event, (HostBegan, ItemResult, Step, TaskResult)) and self.pending:
            for key in [key for key in self.pending if key[0] == event.host]:
                yield self._rest(key)
        yield event

    def flush(self) -> Iterator[Event]:
        """What is left at the end of the run."""
        for key in list(self.pending):
            yield self._rest(key)

    def _rest(self, key: _Key) -> HostText:
        held = self.pending.pop(key)
        return replace(held, text=mended(held.text))

    def _text(self, event: HostText) -> Iterator[Event]:
        key = (event.host, event.task.id, event.stream)
        held = self.pending.pop(key, None)
        text = held.text + event.text if held else event.text
        end = max(text.rfind("\n"), text.rfind("\r")) + 1
        if len(text) - end > _LONGEST:
            end = self.cut(text, len(text) - _OVERLAP)
        if end:
            yield replace(event, text=mended(text[:end]))
        if end < len(text):
            self.pending[key] = replace(event, text=text[end:])
