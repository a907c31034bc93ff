"""Modules of the user's own: files in `library/` beside playbooks and in roles; `module_utils/` is what they share."""

from __future__ import annotations

import io
import os
import re
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Final

from provisioner.actions.base import Expansion, HostWork, content_of
from provisioner.engine.modules import ModuleInfo

_NOT_MODULES: Final = frozenset({".pyc", ".pyo", ".md", ".txt", ".rst", ".yml", ".yaml", ".json", ".bak", ".orig"})
#: What the archive has of ours: file names below `provisioner/remote`.
_OURS: Final = ("__init__.py", "argspec.py", "argtypes.py", "modebits.py", "sdk.py", "spec.py", "shim/__init__.py",
                "shim/attributes.py", "shim/basic.py", "shim/commands.py", "shim/parsing.py", "shim/six.py",
                "shim/text.py", "shim/urls.py")  # fmt: skip
#: Names under which Ansible's modules import them.
_STANDS_FOR: Final[Mapping[str, str]] = {
    "basic": "basic", "_text": "text", "common.text.converters": "text", "common._collections_compat": "parsing",
    "common.dict_transformations": "parsing", "common.locale": "parsing", "common.process": "parsing",
    "parsing.convert_bool": "parsing", "six": "six", "urls": "urls",
}  # fmt: skip
_MADE: Final = (1980, 1, 1, 0, 0, 0)  # the same files give the same archive


@dataclass(frozen=True, slots=True)
class Library:
    """modules: by name. utils: files of `module_utils/` by their path below it. The first folder that has one wins."""

    modules: Mapping[str, Path] = field(default_factory=dict)
    utils: Mapping[str, Path] = field(default_factory=dict)

    def info(self, name: str) -> ModuleInfo | None:
        """How the engine carries such a module out; read now, used for every task with it."""
        path = self.modules.get(name)
        if path is None:
            return None
        data = path.read_bytes()
        style = style_of(data)
        if style == "python":
            data = archive(data, {below: file.read_bytes() for below, file in self.utils.items()})
        content = content_of(data)

        def expand(call: Expansion) -> HostWork:
            return HostWork("foreign_module", {
                "_name": name, "_style": style, "_content": content.reference(), "_arguments": dict(call.args),
                "_verbosity": call.verbosity}, (content,))

        return ModuleInfo(name, None, expand=expand, facts=True)


def find_library(folders: Iterable[Path], libraries: Iterable[Path] = ()) -> Library:
    """The modules of `library/` and `module_utils/` in `folders`, and of the directories `libraries` themselves."""
    modules: dict[str, Path] = {}
    utils: dict[str, Path] = {}
    for folder in dict.fromkeys(folders):
        for path in _files(folder / "library"):
            if _is_module(path):
                modules.setdefault(path.stem, path)
        shared = folder / "module_utils"
        for path in sorted(shared.rglob("*.py")) if shared.is_dir() else ():
            utils.setdefault(path.relative_to(shared).as_posix(), path)
    for folder in libraries:
        for path in _files(folder):
            if _is_module(path):
                modules.setdefault(path.stem, path)
    return Library(modules, utils)


def folders_of(playbooks: Iterable[str], roles_path: Iterable[str]) -> list[Path]:
    """Where modules may stand: beside playbooks and those that they import, and in all roles that they can use, which
    may be beside playbooks too."""
    beside = list(dict.fromkeys(path.parent for playbook in playbooks for path in _with_imported(Path(playbook))))
    shelves = [folder / "roles" for folder in beside] + [Path(os.path.expanduser(path)) for path in roles_path]
    roles = [role for shelf in dict.fromkeys(shelves) for role in _folders(shelf)]
    return [*beside, *roles, *(role for folder in beside for role in _folders(folder) if (role / "tasks").is_dir())]


def _folders(shelf: Path) -> list[Path]:
    return sorted(path for path in shelf.iterdir() if path.is_dir()) if shelf.is_dir() else []


_IMPORTS = re.compile(rb"""^\s*-?\s*(?:[\w.]+\.)?import_playbook:[ \t]*['"]?([^'"#{\s]+)""", re.MULTILINE)


def _with_imported(playbook: Path) -> Iterator[Path]:
    """The playbook and those it imports by a plain name. Looked for in the text: modules are known before loading."""
    waiting, met = [playbook], set[Path]()
    while waiting:
        path = waiting.pop()
        if path not in met:
            met.add(path)
            yield path
            names = _IMPORTS.findall(path.read_bytes()) if path.is_file() else []
            waiting += [Path(os.path.normpath(path.parent / os.fsdecode(name))) for name in names]


def style_of(data: bytes) -> str:
    """How a module takes its arguments: `python` by the shim, else from a file, as JSON or as `name=value` text."""
    if b"ansible.module_utils" in data and b"\0" not in data[:1024]:
        return "python"
    return "json" if b"WANT_JSON" in data or b"\0" in data[:1024] else "text"


def archive(module: bytes, utils: Mapping[str, bytes]) -> bytes:
    """A program for Python: the module, what it may import, and how it is begun."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, data in sorted(_contents(module, utils).items()):
            packed.writestr(zipfile.ZipInfo(name, _MADE), data, zipfile.ZIP_DEFLATED)
    return made.getvalue()


def _contents(module: bytes, utils: Mapping[str, bytes]) -> dict[str, bytes]:
    ours = resources.files("provisioner.remote")
    files = {f"provisioner/remote/{name}": ours.joinpath(name).read_bytes() for name in _OURS}
    files |= {"provisioner/__init__.py": b"", "__main__.py": ours.joinpath("shim/main.py").read_bytes(),
              "ansible/__init__.py": b"", "ansible_module.py": module}
    for name, stands in _STANDS_FOR.items():
        files[f"ansible/module_utils/{name.replace('.', '/')}.py"] = (
            f"import sys\nfrom provisioner.remote.shim import {stands}\nsys.modules[__name__] = {stands}\n").encode()
    files |= {f"ansible/module_utils/{name}": data for name, data in utils.items()}
    for name in [name for name in files if name.startswith("ansible/module_utils/")]:
        for folder in list(Path(name).parents)[:-2]:
            files.setdefault(f"{folder.as_posix()}/__init__.py", b"")
    return files


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file()) if folder.is_dir() else []


def _is_module(path: Path) -> bool:
    return path.suffix not in _NOT_MODULES and not path.name.startswith(("_", ".")) and "__pycache__" not in path.parts
