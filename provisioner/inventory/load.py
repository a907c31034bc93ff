"""Inventories from what `-i` names: files, directories, lists of hosts, the lab."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from provisioner.diag import Collector, InputError, Span, UsageError
from provisioner.inventory.builder import Builder
from provisioner.inventory.constructed import Evaluate, construct
from provisioner.inventory.ini import parse_ini, split_port
from provisioner.inventory.model import UNGROUPED, Inventory, Layer, VarsDirectory
from provisioner.inventory.script import read_script
from provisioner.inventory.toml import parse_toml
from provisioner.inventory.yaml import build_groups
from provisioner.lang.nodes import Map, Scalar, as_node, describe, to_value
from provisioner.lang.paths import directory_files
from provisioner.lang.source import (
    LOCKED,
    YAML_SUFFIXES,
    is_directory,
    is_encrypted_file,
    is_file,
    join,
    read_source,
)
from provisioner.lang.yaml import load_file, parse_source
from provisioner.values import Vault

_IGNORED: Final = ("~", ".orig", ".bak", ".cfg", ".retry", ".pyc", ".swp", ".md", ".txt", ".rst",
                   ".host-ca", ".host-ca.pub", ".site-key")
_VARS_FOLDERS: Final = ("group_vars", "host_vars")


def load_inventory(
    sources: Sequence[str], playbook_dir: Path | None = None, state_dir: Path | None = None,
    vault: Vault = LOCKED, *, only_plain: bool = False, evaluate: Evaluate | None = None,
    merge: bool = False,
) -> Inventory:
    """The inventory of all `-i` sources, later ones over earlier ones; raises `InputError` with all mistakes.

    playbook_dir: where `group_vars` and `host_vars` are looked for besides beside the sources.
    state_dir: the product's state directory, below which the lab's is, for `plugin: lab`; None means the usual one.
    evaluate: evaluates the expressions of `plugin: constructed`.
    vault: opens what is encrypted. only_plain: encrypted files of variables are left until they are needed.
    merge: mappings that several sources have are joined.
    """
    builder = Builder(Collector(), merge=merge)
    beside: dict[str, None] = {}
    for source in sources:
        _Source(builder, state_dir, vault, evaluate, beside).read(source)
    inventory = builder.finish(tuple(sources))
    found = Collector()
    inventory.beside_inventory = tuple(_VarsReader(folder, found, vault).directory() for folder in beside)
    if playbook_dir is not None:
        folder = str(playbook_dir)
        known = {os.path.realpath(each) for each in beside}
        if os.path.realpath(folder) not in known:
            inventory.beside_playbook = (_VarsReader(folder, found, vault).directory(),)
    _read_ahead(inventory, found, only_plain=only_plain)
    inventory.warnings += found.warnings
    return inventory


@dataclass(slots=True)
class _Source:
    builder: Builder
    state_dir: Path | None
    vault: Vault
    evaluate: Evaluate | None
    beside: dict[str, None]
    """Gets the directories whose `group_vars` and `host_vars` belong to the sources."""

    def read(self, source: str) -> None:
        """Add one source."""
        if is_directory(source):
            self.beside[source] = None
            for file in self._files_of(source):
                self._file(file)
        elif "," in source and not is_file(source):
            for part in source.split(","):
                if part.strip():
                    host, port = split_port(part.strip())
                    variables = {"ansible_port": port} if port is not None else {}
                    self.builder.host(host, UNGROUPED, variables, Span("-i", 1))
        else:
            self.beside[os.path.dirname(source)] = None
            self._file(source)

    def _files_of(self, directory: str) -> list[str]:
        files = []
        for entry in sorted(os.scandir(directory), key=lambda entry: entry.name):
            if entry.name.startswith(".") or entry.name.endswith(_IGNORED) or entry.name in _VARS_FOLDERS:
                continue
            if entry.is_dir():
                files += self._files_of(entry.path)
            else:
                files.append(entry.path)
        return files

    def _file(self, path: str) -> None:
        found = self.builder.found
        try:
            if is_file(path) and os.access(path, os.X_OK) and _is_script(path):
                read_script(path, self.builder)
                return
            source = read_source(path, self.vault)
            if path.endswith(".toml"):
                parse_toml(source.text, path, self.builder)
                return
            if not _is_yaml(path, source.text):
                parse_ini(source.text, path, self.builder, source.vault)
                return
            node = parse_source(source, found, self.vault)
            if node is None:
                return
            plugin = node.get("plugin") if isinstance(node, Map) else None
            if plugin is not None:
                assert isinstance(node, Map)
                self._plugin(plugin.value if isinstance(plugin, Scalar) else describe(plugin), node, plugin.span)
            else:
                build_groups(node, self.builder)
        except InputError as error:
            found.items.extend(item for item in error.items if item not in found.items)

    def _plugin(self, name: Any, node: Map, span: Span) -> None:
        if name in ("constructed", "ansible.builtin.constructed") and self.evaluate is not None:
            readers = (_VarsReader(folder, self.builder.found, self.vault) for folder in self.beside)
            construct(node, self.builder, self.evaluate, tuple(reader.directory() for reader in readers))
        elif name == "lab":
            from provisioner.lab.inventory import lab_inventory  # noqa: PLC0415 - only when it is asked for
            from provisioner.lab.paths import default_state_dir  # noqa: PLC0415

            state = default_state_dir() if self.state_dir is None else self.state_dir / "lab"
            build_groups(as_node(lab_inventory(state), span), self.builder)
        elif name == "machines":
            from provisioner.cloud.inventory import cloud_inventory  # noqa: PLC0415
            from provisioner.lab.paths import default_state_dir  # noqa: PLC0415

            def tell(text: str) -> None:
                self.builder.found.warning("Machines that are not known", text, span, hint=_NOT_KNOWN)

            try:
                state = self.state_dir or default_state_dir().parent
                build_groups(as_node(cloud_inventory(to_value(node), state, tell=tell), span), self.builder)
            except UsageError as error:
                self.builder.found.error("Wrong inventory", error.message, span, hint=error.hint)
        else:
            hint = "there are: constructed, lab, machines"
            self.builder.found.error("Not supported yet", f"the inventory plugin `{name}`", span, hint=hint)


_NOT_KNOWN: Final = "connections to them are refused until `provision apply` of their playbook was run here"


def _is_script(path: str) -> bool:
    with open(path, "rb") as file:
        return file.read(4)[:2] in {b"#!", b"\x7fE"}


def _is_yaml(path: str, text: str) -> bool:
    """By the suffix; a file without one is YAML if its first line looks like it."""
    suffix = Path(path).suffix
    if suffix:
        return suffix in YAML_SUFFIXES
    first = next((line for line in map(str.strip, text.splitlines()) if line and line[0] not in "#;"), "")
    return first == "---" or (first.endswith(":") and " " not in first)


@dataclass(slots=True)
class _VarsReader:
    """Reads `group_vars` and `host_vars` below one folder, each file once."""

    folder: str
    found: Collector
    vault: Vault
    layers: dict[tuple[str, str], tuple[Layer, ...]] = field(default_factory=dict)
    names: dict[str, frozenset[str]] = field(default_factory=dict)

    def directory(self) -> VarsDirectory:
        return VarsDirectory(self.folder, self.files, self.has_encrypted)

    def files(self, kind: str, name: str) -> tuple[Layer, ...]:
        """The variables of one group or host; () when there is no file for it. Raises `InputError`."""
        key = (kind, name)
        if key not in self.layers:
            self.layers[key] = tuple(layer for path in self._paths(kind, name) for layer in self._load(path))
        return self.layers[key]

    def has_encrypted(self, kind: str, name: str) -> bool:
        return any(map(is_encrypted_file, self._paths(kind, name)))

    def _paths(self, kind: str, name: str) -> list[str]:
        if kind not in self.names:  # one listing instead of four look-ups for each of many hosts
            folder = join(self.folder, kind)
            self.names[kind] = frozenset(os.listdir(folder)) if is_directory(folder) else frozenset()
        for suffix in ("", *YAML_SUFFIXES):
            if name + suffix in self.names[kind]:
                path = join(join(self.folder, kind), name + suffix)
                return directory_files(path) if is_directory(path) else [path]
        return []

    def _load(self, path: str) -> list[Layer]:
        data = load_file(path, self.found, self.vault)
        if data is None:
            return []
        if not isinstance(data, dict):
            collector = Collector()
            collector.error("Wrong type", "a file of variables must be a mapping", Span(path, 1))
            collector.raise_errors()
        return [(path, data)]


def _read_ahead(inventory: Inventory, found: Collector, *, only_plain: bool) -> None:
    """Read the vars files of all groups and hosts now, so that their mistakes are told together."""
    wanted = [("group_vars", name) for name in inventory.group_table]
    wanted += [("host_vars", name) for name in inventory.host_table]
    for directory in (*inventory.beside_inventory, *inventory.beside_playbook):
        for kind, name in wanted:
            if only_plain and directory.has_encrypted(kind, name):
                continue
            try:
                directory.files(kind, name)
            except InputError as error:
                found.items.extend(item for item in error.items if item not in found.items)
    found.raise_errors()
