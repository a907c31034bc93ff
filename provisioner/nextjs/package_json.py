"""JSON files of a project, as far as they can be read: what cannot, counts as empty. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


def parsed(text: str | None) -> dict[str, Any] | None:
    """The object in a text; None where there is none."""
    try:
        data = json.loads(text or "")
    except ValueError:
        return None
    return data if isinstance(data, dict) else None


def package(files: Mapping[str, str], path: str = "") -> dict[str, Any]:
    """What package.json in the directory `path` says."""
    return parsed(files.get(f"{path}/package.json" if path else "package.json")) or {}


def part(data: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The object under a name; empty where there is something else, or nothing."""
    value = data.get(name)
    return value if isinstance(value, dict) else {}


def dependencies(package: Mapping[str, Any]) -> dict[str, Any]:
    """Those of production and of development."""
    return {**part(package, "devDependencies"), **part(package, "dependencies")}
