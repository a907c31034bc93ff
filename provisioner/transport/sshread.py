"""A small reader of ssh_config for machines without ssh: Host, Include and the settings we use. `Match` never holds."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from provisioner.transport.knownhosts import matches

DEFAULT_KEYS = ("~/.ssh/id_rsa", "~/.ssh/id_ecdsa", "~/.ssh/id_ed25519")
_FLAGS = {"-l": "user", "-p": "port", "-i": "identityfile", "-J": "proxyjump", "-b": "bindaddress"}
_MANY = frozenset({"identityfile", "certificatefile"})
_DEPTH = 16


def read_config(host: str, options: Sequence[str]) -> dict[str, list[str]]:
    """Values by lower-case keyword in ssh's order of precedence: options, the user's file, the system's file.

    Of all settings but key files only the first value counts, and only it is given.
    """
    values: dict[str, list[str]] = {}
    files = [os.path.expanduser("~/.ssh/config"), "/etc/ssh/ssh_config"]
    words = list(options)
    while words:
        word = words.pop(0)
        flag, value = word[:2], word[2:]
        if flag in ("-F", "-o", *_FLAGS) and not value:
            value = words.pop(0)
        if flag == "-F":
            files = [] if value == "none" else [value]
        elif flag == "-o":
            _take(values, *_setting(value))
        elif flag in _FLAGS:
            _take(values, _FLAGS[flag], value)
    for file in files:
        for keyword, value in _settings_for(host, Path(file), 0):
            _take(values, keyword, value)
    values.setdefault("identityfile", list(DEFAULT_KEYS))
    values.setdefault("userknownhostsfile", ["~/.ssh/known_hosts ~/.ssh/known_hosts2"])
    values.setdefault("globalknownhostsfile", ["/etc/ssh/ssh_known_hosts /etc/ssh/ssh_known_hosts2"])
    values["hostname"] = [values.get("hostname", ["%h"])[0].replace("%h", host)]
    return values


def _take(values: dict[str, list[str]], keyword: str, value: str) -> None:
    if not keyword:
        return
    if keyword in _MANY:
        values.setdefault(keyword, []).append(value)
    else:
        values.setdefault(keyword, [value])


def _setting(line: str) -> tuple[str, str]:
    """`Keyword value`, `Keyword=value`, `Keyword "value"` -> (keyword, value)."""
    text = line.strip()
    end = next((at for at, letter in enumerate(text) if letter in " \t="), len(text))
    value = text[end:].lstrip(" \t")
    value = value.removeprefix("=").strip()
    if value.startswith('"') and value.endswith('"') and value.count('"') == 2:
        value = value.strip('"')
    return text[:end].lower(), value


def _settings_for(host: str, file: Path, depth: int) -> Iterator[tuple[str, str]]:
    try:
        lines = file.read_text(errors="surrogateescape").splitlines()
    except OSError:
        return
    applies = True
    for line in lines:
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        keyword, value = _setting(line)
        if keyword == "host":
            # ssh separates the patterns by spaces where known_hosts has commas; the rest of the rules are the same.
            applies = matches(host.lower(), ",".join(value.replace('"', "").split()))
        elif keyword == "match":
            applies = value.strip().lower() == "all"
        elif applies and keyword == "include" and depth < _DEPTH:
            for pattern in value.split():
                path = os.path.expanduser(pattern)
                base = "/etc/ssh" if str(file).startswith("/etc/ssh") else os.path.expanduser("~/.ssh")
                for found in sorted(glob.glob(path if path.startswith("/") else f"{base}/{path}")):
                    yield from _settings_for(host, Path(found), depth + 1)
        elif applies:
            yield keyword, value
