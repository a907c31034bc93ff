"""What is sent to hosts: the first text, the runner's core, and the source of every module."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from importlib import resources
from importlib.resources.abc import Traversable

from provisioner.remote import packing, wire

MODULES = f"{packing.PACKAGE}.modules"


@dataclass(frozen=True)
class Bundle:
    """Made once a run and shared by all sessions. `sources` is by dotted name."""

    sources: dict[str, str]
    packages: frozenset[str]

    @cached_property
    def core(self) -> packing.Core:
        return packing.pack_core(self.sources, self.packages)

    @cached_property
    def text(self) -> str:
        """`stage0` as one line of Python that says the version first when it is too old to go on."""
        return _OLD + packing.bootstrap_text(self.sources[f"{packing.PACKAGE}.stage0"])

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


OLDEST_PYTHON = (3, 9)
TOO_OLD = "PROVISION-TOO-OLD"
# Valid in every Python 3, and without single quotes: it stands inside them.
_OLD = f'import sys;sys.version_info<{OLDEST_PYTHON} and sys.exit("{TOO_OLD} %d.%d"%sys.version_info[:2]);'


def load_bundle() -> Bundle:
    """Read the sources below `provisioner.remote`, and `provisioner` itself, which on a host is empty."""
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
    return Bundle(sources, frozenset(packages))
