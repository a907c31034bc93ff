"""`watch:` in `drift.yml` beside the playbook: what is looked at on hosts beyond what the playbook declares."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from provisioner.diag import Collector, Diagnostic, InputError, Span, near
from provisioner.lang.nodes import Map, Node, Seq, to_value
from provisioner.lang.yaml import parse

FILE: Final = "drift.yml"
KEY: Final = "watch"

Settings = Mapping[str, Any]

SETTINGS: Final[Mapping[str, Mapping[str, Any]]] = {
    "packages": {}, "ports": {}, "users": {}, "sudoers": {}, "authorized_keys": {}, "units": {}, "crontabs": {},
    "files": {"in": []}, "failed_units": {}, "reboot": {}, "security_updates": {},
    "certificates": {"days": 21, "also": []}, "disk": {"below": 10},
}  # fmt: skip
"""Watch -> its settings with what they are unless said."""

SINCE_APPLY: Final = ("packages", "ports", "users", "sudoers", "authorized_keys", "units", "crontabs", "files")
"""Watches that compare with what was there after the last apply; the others need no comparison."""

_FIELDS: Final = ("hosts", "what", "become")
_COMPOUND: Final = ":,"


@dataclass(frozen=True, slots=True)
class Watch:
    """An entry. hosts: names, groups and shell patterns. become: None is what the play says."""

    hosts: tuple[str, ...]
    what: Mapping[str, Settings]
    become: bool | None
    span: Span


def read_watches(playbooks: Iterable[str]) -> list[Watch]:
    """The entries beside the playbooks, each file once. Raises `InputError`."""
    files = dict.fromkeys(Path(playbook).parent / FILE for playbook in playbooks)
    return [watch for path in files if path.is_file() for watch in _of_file(path)]


def _of_file(path: Path) -> Iterator[Watch]:
    found = Collector()
    node = parse(path.read_text(encoding="utf-8"), str(path), found)
    found.raise_errors()
    entries = node.get(KEY) if isinstance(node, Map) else None
    if entries is None:
        return
    if not isinstance(entries, Seq):
        raise _wrong(entries.span, f"`{KEY}` is a list of entries, each with `hosts` and `what`")
    for entry in entries.items:
        yield _watch(entry)


def _watch(entry: Node) -> Watch:
    if not isinstance(entry, Map):
        raise _wrong(entry.span, "an entry is a mapping with `hosts` and `what`")
    for key, _ in entry.entries:
        if key.text not in _FIELDS:
            raise _wrong(key.span, f"an entry has no `{key.text}`", near(key.text, _FIELDS))
    hosts, what, become = (entry.get(name) for name in _FIELDS)
    if hosts is None or what is None:
        raise _wrong(entry.span, "an entry needs `hosts` and `what`", "{hosts: web, what: [packages, users]}")
    if become is not None and not isinstance(to_value(become), bool):
        raise _wrong(become.span, "`become` is true or false")
    return Watch(_hosts(hosts), _what(what), None if become is None else bool(to_value(become)), entry.span)


def _hosts(node: Node) -> tuple[str, ...]:
    given = to_value(node)
    names = given if isinstance(given, list) else [given]
    for name in names:
        if not isinstance(name, str) or not name or any(sign in name for sign in _COMPOUND):
            raise _wrong(node.span, f"`hosts` is a name, a group or a shell pattern, or a list of these, not {name!r}")
    return tuple(names)


def _what(node: Node) -> Mapping[str, Settings]:
    """From a list of names, and of names with settings."""
    if not isinstance(node, Seq) or not node.items:
        raise _wrong(node.span, "`what` is a list of watches", f"of {', '.join(SETTINGS)}")
    what: dict[str, Settings] = {}
    for item in node.items:
        parts = item.entries if isinstance(item, Map) else [(item, None)]
        for name, settings in parts:
            given = to_value(name)
            if given not in SETTINGS:
                raise _wrong(name.span, f"there is no watch `{given}`", near(str(given), SETTINGS))
            what[given] = _settings(given, settings, name.span)
    return what


def _settings(watch: str, node: Node | None, span: Span) -> Settings:
    known = SETTINGS[watch]
    given: Any = None if node is None else to_value(node)
    if given is not None and not isinstance(given, dict):
        raise _wrong(span, f"the settings of `{watch}` are a mapping")
    settings = dict(known)
    for name, value in (given or {}).items():
        if name not in known:
            raise _wrong(span, f"`{watch}` has no setting `{name}`", near(str(name), known) or "it has none")
        settings[name] = _paths(watch, name, value, span) if isinstance(known[name], list) else (
            _number(watch, name, value, span))  # fmt: skip
    if watch == "files" and not settings["in"]:
        raise _wrong(span, "`files` needs to know the directories", "files: {in: [/etc/nginx/conf.d]}")
    return settings


def _paths(watch: str, name: str, value: Any, span: Span) -> Sequence[str]:
    paths = value if isinstance(value, list) else [value]
    if not all(isinstance(path, str) and path.startswith("/") for path in paths):
        raise _wrong(span, f"`{name}` of `{watch}` is a list of absolute paths")
    return paths


def _number(watch: str, name: str, value: Any, span: Span) -> float:
    try:
        return float(str(value).rstrip("% "))
    except ValueError:
        raise _wrong(span, f"`{name}` of `{watch}` is a number, not {value!r}") from None


def _wrong(span: Span, detail: str, hint: str = "") -> InputError:
    return InputError([Diagnostic("Wrong watch list for drift", detail, span, hint)])
