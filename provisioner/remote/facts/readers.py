"""Small readers that facts are made with. All give "" or nothing for what is not there or not ours to read."""

from __future__ import annotations

import os

NOT_AVAILABLE = "NA"  # what Ansible says for hardware data that can't be read


def text(path: str, limit: int = 1 << 20) -> str:
    """A file's text without the newline at its end."""
    try:
        with open(path, "rb") as file:
            return file.read(limit).decode("utf-8", "surrogateescape").rstrip("\n")
    except OSError:
        return ""


def names(path: str) -> "list[str]":
    try:
        return sorted(os.listdir(path))
    except OSError:
        return []


def assignments(content: str) -> "dict[str, str]":
    """NAME=value lines as in os-release; quotes are taken off."""
    found = {}
    for line in content.splitlines():
        name, separator, value = line.strip().partition("=")
        if separator and not name.startswith("#"):
            value = value.strip()
            if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'":
                value = value[1:-1].replace('\\"', '"').replace("\\$", "$").replace("\\\\", "\\")
            found[name.strip()] = value
    return found
