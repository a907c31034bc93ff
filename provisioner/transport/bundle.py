"""What is sent to hosts: the first text, the runner's core, and the source of every module.

Packing parses every module (200 ms), so what comes out is kept in the user's cache under the hash of all that went in
and of the code that packs.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import hashlib
import json
import marshal
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from types import FunctionType
from typing import Any

from provisioner.remote import packing, wire

MODULES = f"{packing.PACKAGE}.modules"
OLDEST_PYTHON = (3, 9)
TOO_OLD = "PROVISION-TOO-OLD"
# Valid in every Python 3, and without single quotes: it stands inside them.
_OLD = f'import sys;sys.version_info<{OLDEST_PYTHON} and sys.exit("{TOO_OLD} %d.%d"%sys.version_info[:2]);'
_KEPT = 8  # packed cores of different versions of this program


@dataclass(frozen=True, slots=True)
class Bundle:
    """Made once a run and shared by all sessions. `sources` is by dotted name; `text` is one line of Python."""

    sources: Mapping[str, str]
    core: packing.Core
    text: str

    def command(self, python: str, nonce: str) -> list[str]:
        return packing.command(python, self.text, self.core.sha256, nonce)

    def core_frame(self) -> bytes:
        return wire.encode({"t": "core"}, self.core.packed)

    def code_frame(self, name: str) -> bytes | None:
        """The `code` frame of a module, None when there is no such module to send."""
        sha256 = self.core.modules.get(name)
        if sha256 is None:
            return None
        return wire.encode({"t": "code", "name": name, "sha256": sha256}, self.sources[name].encode())

    def needed(self, module: str) -> tuple[tuple[str, str], ...]:
        """(name, sha256) of everything the module `module` (its short name) needs, in the order to send."""
        names = self.core.needs.get(f"{MODULES}.{module}", ())
        return tuple((name, self.core.modules[name]) for name in names)


def load_bundle(cache: Path | None = None) -> Bundle:
    """The bundle of the installed package. `cache`: a directory of the user; None: below XDG_CACHE_HOME."""
    sources, packages = read_sources()
    folder = cache or _cache_folder()
    key = hashlib.sha256(json.dumps([_packer(), sorted(sources.items()), sorted(packages)]).encode()).hexdigest()
    kept = _read(folder / key)
    if kept is not None:
        return Bundle(sources, *kept)
    made = pack(sources, packages)
    _keep(folder / key, made)
    return made


def _packer() -> str:
    """The code that packs as this process loaded it: with an upgrade meanwhile it is not that of the sources."""
    functions = [one.__code__ for one in vars(packing).values() if isinstance(one, FunctionType)]
    return marshal.dumps([packing.CORE, packing.NOT_SHIPPED, functions], 0).hex()


def pack(sources: Mapping[str, str], packages: frozenset[str]) -> Bundle:
    """A bundle of these sources, whatever is kept."""
    text = _OLD + packing.bootstrap_text(sources[f"{packing.PACKAGE}.stage0"])
    return Bundle(sources, packing.pack_core(sources, packages), text)


def read_sources() -> tuple[dict[str, str], frozenset[str]]:
    """Sources below `provisioner.remote`, and `provisioner` itself, which on a host is empty; and the packages."""
    sources: dict[str, str] = {"provisioner": ""}
    packages = {"provisioner"}

    def visit(folder: Traversable, name: str) -> None:
        packages.add(name)
        for entry in folder.iterdir():
            if entry.is_dir() and not entry.name.startswith(("_", ".")):
                visit(entry, f"{name}.{entry.name}")
            elif entry.name == "__init__.py":
                sources[name] = entry.read_text(encoding="utf-8")
            elif entry.name.endswith(".py"):
                sources[f"{name}.{entry.name[:-3]}"] = entry.read_text(encoding="utf-8")

    visit(resources.files(packing.PACKAGE), packing.PACKAGE)
    return sources, frozenset(packages)


# -- the cache: never an error, and never trusted when somebody else could have written it ------------------------

def _cache_folder() -> Path:
    base = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(base) if base.startswith("/") else Path.home() / ".cache") / "provisioner" / "cores"


def _read(file: Path) -> tuple[packing.Core, str] | None:
    try:
        with file.open("rb") as opened:
            status = os.fstat(opened.fileno())
            if status.st_uid != os.geteuid() or status.st_mode & 0o022:
                return None
            data: dict[str, Any] = json.loads(opened.read())
        needs = {name: tuple(names) for name, names in data["needs"].items()}
        core = packing.Core(data["sha256"], base64.b64decode(data["packed"]), data["modules"], needs)
        return core, data["text"]
    except (OSError, ValueError, KeyError, TypeError, binascii.Error):
        return None


def _keep(file: Path, made: Bundle) -> None:
    core = made.core
    data = {"sha256": core.sha256, "packed": base64.b64encode(core.packed).decode(), "modules": dict(core.modules),
            "needs": {name: list(names) for name, names in core.needs.items()}, "text": made.text}
    with contextlib.suppress(OSError):
        # Closed to others from the start: on this machine the runner keeps its own cache in the same place.
        for folder in (file.parent.parent, file.parent):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        old = sorted(file.parent.iterdir(), key=lambda one: one.stat().st_mtime)
        for one in old[: max(0, len(old) - _KEPT + 1)]:
            one.unlink(missing_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=file.parent, delete=False) as opened:
            opened.write(json.dumps(data))
        os.replace(opened.name, file)
