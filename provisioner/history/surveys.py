"""What hosts had after the last apply, as far as a watch list asks for it."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from provisioner.events import Resource

MODULE: Final = "host_survey"
PURPOSE: Final = "watch list"

Items = Mapping[str, Sequence[str]]

_VERSION: Final = 1
"""Of what surveys find: a baseline of another one is none."""

_HASHED: Final = frozenset({"crontabs"})
"""Watches whose lines may hold passwords: only keyed hashes of them are kept."""

_LONGEST: Final = 500  # characters of an item or a line; the host's half keeps to less
_MOST: Final = 25_000  # items of a watch


@dataclass(frozen=True, slots=True)
class Told:
    """What a host tells of one watch. shipped: items that are as their packages brought them. unknown: why it can't."""

    settings: str
    items: Items
    shipped: frozenset[str] = frozenset()
    unknown: str = ""


@dataclass(frozen=True, slots=True)
class Surveyed:
    """One watch at the last apply. Lines are those that `compared` gives."""

    items: Items
    taken: float


def is_survey(resource: Resource | None) -> bool:
    """Whether a result with this resource is one for the watch list."""
    return resource is not None and resource.module == MODULE and PURPOSE in resource.name


def told(result: Mapping[str, Any]) -> dict[str, Told]:
    """By watch. The host may say anything: what is too long is cut, what makes no sense is `unknown`."""
    survey = result.get("survey")
    return {str(watch): _told(answer) for watch, answer in survey.items()} if isinstance(survey, Mapping) else {}


def _told(answer: Any) -> Told:
    if not isinstance(answer, Mapping):
        return Told("", {}, unknown="the host's answer makes no sense")
    settings = json.dumps([_VERSION, answer.get("settings")], sort_keys=True)[:_LONGEST]
    items, shipped = answer.get("items"), answer.get("shipped", [])
    if "unknown" in answer:
        return Told(settings, {}, unknown=str(answer["unknown"])[:_LONGEST])
    if not isinstance(items, Mapping) or not isinstance(shipped, list) or len(items) > _MOST or not all(
            isinstance(lines, list) for lines in items.values()):  # fmt: skip
        return Told(settings, {}, unknown="the host's answer makes no sense")
    return Told(settings, {str(item)[:_LONGEST]: [str(line)[:_LONGEST] for line in lines]
                           for item, lines in items.items()}, frozenset(map(str, shipped)))  # fmt: skip


def remember(db: sqlite3.Connection, place: str, answers: Mapping[str, Told], key: bytes, moment: float) -> None:
    """A watch that could not tell leaves none: what an earlier apply has left would be wrong."""
    for watch, answer in answers.items():
        db.execute("DELETE FROM surveys WHERE place = ? AND watch = ?", (place, watch))
        if not answer.unknown:
            kept = {item: [compared(watch, line, key) for line in lines] for item, lines in answer.items.items()}
            db.execute("INSERT INTO surveys VALUES (?, ?, ?, ?, ?)",
                       (place, watch, answer.settings, json.dumps(kept), moment))  # fmt: skip


def surveyed(db: sqlite3.Connection, place: str, watch: str, settings: str) -> Surveyed | None:
    """None: no apply from here has looked at that, or not with these settings."""
    row = db.execute("SELECT items, taken FROM surveys WHERE place = ? AND watch = ? AND settings = ?",
                     (place, watch, settings)).fetchone()  # fmt: skip
    return None if row is None else Surveyed(json.loads(row[0]), row[1])


def manages(db: sqlite3.Connection, place: str, path: str) -> bool:
    """Whether an apply from here has made the file."""
    name = json.dumps(path)
    return db.execute("SELECT 1 FROM baselines WHERE place = ? AND (name LIKE ? ESCAPE '!' OR name LIKE ? ESCAPE '!')",
                      (place, f"%: {_literal(name)}}}", f"%: {_literal(name)},%")).fetchone() is not None  # fmt: skip


def compared(watch: str, line: str, key: bytes) -> str:
    """A line as it is kept and compared."""
    if watch not in _HASHED:
        return line
    return hashlib.blake2b(line.encode("utf-8", "backslashreplace"), key=key, digest_size=12).hexdigest()


def _literal(text: str) -> str:
    return text.replace("!", "!!").replace("%", "!%").replace("_", "!_")
