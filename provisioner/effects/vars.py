"""Files of variables that `include_vars` reads.

    load_vars (file | None; dir, depth, files_matching, ignore_files, extensions, …)
        -> {"variables": {…}, "files": [paths]}

These are the controller's own files, so strings with braces in them become `Template`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from provisioner.diag import InputError
from provisioner.effects.sources import find
from provisioner.lang.yaml import load_file
from provisioner.values import Value, Vault, joined


def load_vars(args: Sequence[Value], options: Mapping[str, Any], vault: Vault) -> dict[str, Value]:
    """The variables and the files they are from; raises OSError or ValueError with words for the user."""
    (name,) = args
    place = find(str(name or options["dir"]), options["search"], ("vars",))
    if name is not None and place.is_dir():
        raise ValueError(f"{place} is a directory; use `dir` to read all files in it")
    if name is None and not place.is_dir():
        raise ValueError(f"{place} is not a directory")
    files = [place] if name is not None else list(_files(place, options))
    variables: dict[str, Value] = {}
    for file in files:
        variables = joined(variables, _read(file, vault), merge=bool(options.get("merge")))
    return {"variables": variables, "files": [str(file) for file in files]}


def _read(file: Path, vault: Vault) -> Mapping[str, Value]:
    try:
        data = load_file(str(file), None, vault)
    except InputError as error:
        raise ValueError(str(error)) from None
    if data is None:
        return {}
    if not isinstance(data, Mapping):
        raise ValueError(f"{file} must be a mapping of variables, not a {type(data).__name__}")
    wrong = [key for key in data if not isinstance(key, str) or not key.isidentifier()]
    if wrong:
        raise ValueError(f"{file}: {wrong[0]!r} is not the name of a variable")
    return data


def _files(directory: Path, options: Mapping[str, Any]) -> Iterator[Path]:
    depth = int(options.get("depth") or 0)
    endings = {ending.lstrip(".") for ending in options["extensions"]}
    for file in sorted(directory.rglob("*")):
        inside = file.relative_to(directory)
        if not file.is_file() or (depth and len(inside.parts) > depth):
            continue
        if any(part.startswith(".") for part in inside.parts):
            continue
        if any(re.search(pattern, file.name) for pattern in options.get("ignore_files") or ()):
            continue
        if options.get("files_matching") and not re.search(options["files_matching"], file.name):
            continue
        if file.suffix.lstrip(".") not in endings:
            if options.get("ignore_unknown_extensions"):
                continue
            raise ValueError(f"{file} does not have a valid extension: {', '.join(options['extensions'])}")
        yield file
