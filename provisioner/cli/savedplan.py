"""`provision plan -o FILE` and `provision apply FILE`: what was looked at is what is done, or nothing.

The file holds the options of the plan and, by site, which changes of machines were shown. Tasks on hosts are checked
when they are run, as ever: their own state decides then.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Final

from provisioner.cli.options import RunOptions
from provisioner.diag import UsageError
from provisioner.events import Event, MachinesPlanned
from provisioner.settings import Settings

SCHEMA: Final = 1
_MARK: Final = '{"provision_plan": '


@dataclass(slots=True)
class Saver:
    """A `Sink` that collects the plans of all sites; `save` writes them."""

    path: Path
    options: RunOptions
    digests: dict[str, str] = field(default_factory=dict)

    def handle(self, event: Event, time: float) -> None:
        if isinstance(event, MachinesPlanned):
            self.digests[event.site] = event.digest

    def close(self) -> None:
        """Written by `save` alone: a plan that failed is none."""

    def save(self) -> None:
        """Readable by its owner only: `-e` may hold what is nobody's business."""
        options = {name: value for name, value in asdict(self.options).items() if name != "settings"}
        data = {"provision_plan": SCHEMA, "directory": str(Path.cwd()), "options": options,
                "machines": self.digests}
        descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(json.dumps(data))


def is_saved_plan(path: str) -> bool:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read(len(_MARK)) == _MARK
    except OSError:
        return False


def read_plan(path: str, settings: Settings) -> tuple[RunOptions, Mapping[str, str]]:
    """The options and the digests of a saved plan; raises `UsageError` where it can't be carried out from here.

    settings: those of now, from files and the environment.
    """
    try:
        data = json.loads(Path(path).read_text())
        schema, directory = data["provision_plan"], data["directory"]
        known = {each.name for each in fields(RunOptions)}
        given: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value
                                 for name, value in data["options"].items()}
        if schema == SCHEMA and given.keys() <= known:
            options, machines = RunOptions(**given, settings=settings), dict(data["machines"])
        else:
            raise UsageError(f"{path} was saved by another version", hint="save a new plan")
    except (ValueError, KeyError, TypeError, AttributeError):
        raise UsageError(f"{path} is a damaged plan", hint="save a new one") from None
    if directory != str(Path.cwd()):
        raise UsageError(f"{path} was saved in {directory}, where its paths mean something", hint=f"cd {directory}")
    return options, machines
