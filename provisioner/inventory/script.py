"""Inventories that a program prints: `--list` gives groups as JSON, `--host NAME` the variables of one host."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from provisioner.diag import Diagnostic, InputError, Span
from provisioner.inventory.builder import Builder
from provisioner.inventory.model import UNGROUPED

DEADLINE: Final = 120.0
"""Seconds: some ask a cloud for thousands of machines."""
_GROUP_KEYS: Final = ("hosts", "vars", "children")


def read_script(path: str, builder: Builder) -> None:
    """Run the program and add what it prints. Its values are data: braces in them are no templates."""
    span = Span(path, 1)
    listed = _json(path, ["--list"], span)
    if not isinstance(listed, Mapping):
        raise _wrong(path, "`--list` must print a mapping of groups", span)
    meta = listed.get("_meta")
    known = meta.get("hostvars") if isinstance(meta, Mapping) else None
    for name, group in listed.items():
        if name != "_meta":
            _group(str(name), group, builder, span)
    for host in [host for host in builder.hosts if _is_of(host, listed)]:
        variables = known.get(host, {}) if isinstance(known, Mapping) else _json(path, ["--host", host], span)
        if not isinstance(variables, Mapping):
            raise _wrong(path, f"the variables of `{host}` must be a mapping", span)
        builder.add(builder.hosts[host], {str(key): value for key, value in variables.items()})


def _group(name: str, group: Any, builder: Builder, span: Span) -> None:
    if isinstance(group, list):
        group = {"hosts": group}
    if not isinstance(group, Mapping):
        raise _wrong(span.file, f"the group `{name}` must be a mapping or a list of hosts", span)
    if not any(key in group for key in _GROUP_KEYS):
        group = {"hosts": [name], "vars": group}  # the oldest form: a host by itself
    entry = builder.group(name, span)
    for host in group.get("hosts") or ():
        builder.host(str(host), name if name != "all" else UNGROUPED, {}, span)
    variables = group.get("vars") or {}
    if not isinstance(variables, Mapping):
        raise _wrong(span.file, f"`vars` of the group `{name}` must be a mapping", span)
    builder.add(entry.vars, {str(key): value for key, value in variables.items()})
    entry.origin = span.file if variables else entry.origin
    for child in group.get("children") or ():
        if not (name == "all" and child == UNGROUPED):
            builder.child(name, str(child), span)


def _is_of(host: str, listed: Mapping[str, Any]) -> bool:
    """Whether this program has named the host."""
    return any(host in (group if isinstance(group, list) else group.get("hosts") or ())
               for name, group in listed.items() if name != "_meta" and isinstance(group, (list, Mapping)))


def _json(path: str, arguments: list[str], span: Span) -> Any:
    command = [str(Path(path).absolute()), *arguments]
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=DEADLINE, check=False)
    except subprocess.TimeoutExpired:
        raise _wrong(path, f"`{' '.join(arguments)}` did not end within {DEADLINE:.0f} s", span) from None
    except OSError as error:
        raise _wrong(path, f"it cannot be run: {error.strerror}", span) from None
    if done.returncode:
        last = done.stderr.decode(errors="replace").strip().splitlines()[-1:]
        said = f": {last[0]}" if last else ""
        raise _wrong(path, f"`{' '.join(arguments)}` ended with {done.returncode}{said}", span)
    try:
        return json.loads(done.stdout or b"{}")
    except ValueError as error:
        raise _wrong(path, f"`{' '.join(arguments)}` printed no JSON: {error}", span) from None


def _wrong(path: str, detail: str, span: Span) -> InputError:
    return InputError([Diagnostic("Inventory program failed", detail, span,
                                  f"run it by hand: {path} --list")])
