"""What is deployed on this host: which apps, and of one what runs, in which slot, as which processes."""

from __future__ import annotations

import re
import shlex
from typing import Any, Dict, List, NamedTuple, Optional

from provisioner.remote.nextjs import envfile, exported, slots
from provisioner.remote.nextjs.layout import JOURNALS, RELEASE_JOURNALS, SINGLE, Layout, read_state
from provisioner.remote.nextjs.slots import Occupant
from provisioner.remote.sdk import Ctx

_ASSIGNED = re.compile(r"^(User|WorkingDirectory|Environment|EnvironmentFile)=(.*)$", re.MULTILINE)


def apps(ctx: Ctx) -> "List[str]":
    """Names of all that were deployed here, sorted. No app's name has a dot in it."""
    return sorted({name.partition(".")[0] for folder in (RELEASE_JOURNALS, JOURNALS) for name in ctx.listdir(folder)
                   if name.endswith(".json")})  # fmt: skip


class Deployed(NamedTuple):
    """One app. live: what requests go to; previous: the release before it, warm where its slot still runs.
    files: of an app without a process, which release clients get."""

    layout: Layout
    journal: "Dict[str, Any]"
    live: "Optional[Occupant]"
    previous: "Optional[Occupant]"
    warm: bool
    files: "Optional[exported.Note]" = None

    @property
    def release(self) -> "Optional[str]":
        """The one that clients get."""
        if self.files is not None:
            return self.files.served
        return self.live.release if self.live else None


def find(ctx: Ctx, layout: Layout) -> Deployed:
    if ctx.stat(exported.note_file(layout)) is not None:
        return Deployed(layout, {}, None, None, warm=False, files=exported.read_note(ctx, layout))
    journal = slots.read_journal(ctx, layout)
    live = slots.live(ctx, layout, journal)
    previous = slots.occupant(journal.get("previous"))
    warm = previous is not None and slots.warm(journal) == previous and slots.is_active(ctx, layout, previous.slot)
    if not journal:
        journal = read_state(ctx, layout.journal)  # a single service has one of its own
    if live is not None and live.slot == SINGLE:
        live = live._replace(build_id=journal.get("build_id"), base_path=journal.get("base_path") or "")
    return Deployed(layout, journal, live, previous, warm)


class Surroundings(NamedTuple):
    """What a unit gives to its process. folder: where it is started."""

    user: str
    folder: str
    environment: "Dict[str, str]"


def surroundings(ctx: Ctx, unit: str) -> Surroundings:
    """Of the text of a unit of ours, with the variables of its env file."""
    user, folder, environment = "", "", {}  # type: str, str, Dict[str, str]
    for key, value in _ASSIGNED.findall(unit):
        if key == "User":
            user = value
        elif key == "WorkingDirectory":
            folder = value
        elif key == "Environment":
            pairs = (word.partition("=") for word in shlex.split(value))
            environment.update({name: text for name, _, text in pairs})
        else:
            environment.update(envfile.parse(ctx.read_text(value.lstrip("-")) or ""))
    return Surroundings(user, folder, environment)


