"""Filters, tests and lookups of the user's own: Python files in `filter_plugins/`, `test_plugins/` and
`lookup_plugins/`, as Ansible takes them.

They are the user's program and run in this process, like the program itself. Filters and tests are loaded before a run,
and what can't be is left out with a warning: others of the same playbook may be all that is used. A lookup has the name
of its file and is loaded when it is used, see `ownlookups`.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from provisioner.diag import Diagnostic, Span

Functions = Mapping[str, Callable[..., Any]]

_STANDS_FOR: Final[Mapping[str, str]] = {
    "basic": "basic", "_text": "text", "common.text.converters": "text", "parsing.convert_bool": "parsing",
    "six": "six", "urls": "urls",
}  # fmt: skip
"""Names below `ansible.module_utils` -> ours below `provisioner.remote.shim`."""
_ERRORS: Final = ("AnsibleError", "AnsibleFilterError", "AnsibleFilterTypeError", "AnsibleUndefinedVariable",
                  "AnsibleOptionsError", "AnsibleRuntimeError", "AnsibleTemplateError")  # fmt: skip


_OF_ROLES: Final = ("tasks", "handlers", "defaults", "vars", "meta")


@dataclass(frozen=True, slots=True)
class Plugins:
    """By their names in templates. warnings: of what was left out."""

    filters: Functions = field(default_factory=dict)
    tests: Functions = field(default_factory=dict)
    lookups: Mapping[str, Path] = field(default_factory=dict)
    warnings: tuple[Diagnostic, ...] = ()


def homes(folders: Iterable[Path], roles_path: Iterable[str]) -> list[Path]:
    """Those of `folders` whose plugins count. Beside roles there may be something else, whose plugins would take the
    place of others: in a directory of `roles_path` what has no part of a role, in `roles/` what has playbooks."""
    shelves = {Path(path).expanduser() for path in roles_path}

    def is_role(folder: Path) -> bool:
        return any((folder / part).is_dir() for part in _OF_ROLES)

    return [folder for folder in folders
            if is_role(folder) or not (folder.parent in shelves or _has_playbooks_in_roles(folder))]


def _has_playbooks_in_roles(folder: Path) -> bool:
    return folder.parent.name == "roles" and any(folder.glob("*.y*ml"))


def find_plugins(folders: Iterable[Path], *, filters: Iterable[Path] = (), tests: Iterable[Path] = (),
                 lookups: Iterable[Path] = ()) -> Plugins:
    """Those of `filter_plugins/`, `test_plugins/` and `lookup_plugins/` in `folders`, and of the directories `filters`,
    `tests` and `lookups` themselves. The first that has a name wins."""
    beside = list(dict.fromkeys(folders))
    warnings: list[Diagnostic] = []
    found_filters = _functions([*(folder / "filter_plugins" for folder in beside), *filters],
                               "FilterModule", "filters", warnings)  # fmt: skip
    found_tests = _functions([*(folder / "test_plugins" for folder in beside), *tests],
                             "TestModule", "tests", warnings)  # fmt: skip
    files = list(_files([*(folder / "lookup_plugins" for folder in beside), *lookups]))
    return Plugins(found_filters, found_tests, {path.stem: path for path in reversed(files)}, tuple(warnings))


def _functions(folders: Iterable[Path], kind: str, method: str, warnings: list[Diagnostic]) -> Functions:
    found: dict[str, Callable[..., Any]] = {}
    for path in _files(folders):
        try:
            module = load_module(path)
            made = getattr(getattr(module, kind)(), method)()
            named = {str(name): function for name, function in dict(made).items() if callable(function)}
        except Exception as error:
            warnings.append(_left_out(path, kind, error))
        else:
            found = {**named, **found}
    return found


def _files(folders: Iterable[Path]) -> Iterator[Path]:
    for folder in dict.fromkeys(folders):
        if folder.is_dir():
            yield from sorted(path for path in folder.glob("*.py") if not path.name.startswith("_"))


def load_module(path: Path) -> ModuleType:
    """Not by an importer, which would leave compiled files beside the user's."""
    if "ansible" not in sys.modules and importlib.util.find_spec("ansible") is None:
        _stand_in()
    module = ModuleType(path.stem)
    module.__file__ = str(path)
    exec(compile(path.read_bytes(), str(path), "exec"), module.__dict__)  # noqa: S102 - what plugins are there for
    return module


def _stand_in() -> None:
    """What plugins import of Ansible, where it is not installed: errors, the base of lookups, helpers."""
    errors = ModuleType("ansible.errors")
    base: type[Exception] = Exception
    for name in _ERRORS:
        made = type(name, (base,), {"__module__": errors.__name__})
        setattr(errors, name, made)
        base = errors.AnsibleError
    packages = {name: ModuleType(name) for name in (
        "ansible", "ansible.module_utils", "ansible.module_utils.common", "ansible.module_utils.common.text",
        "ansible.module_utils.parsing", "ansible.plugins", "ansible.utils")}  # fmt: skip
    for package in packages.values():
        package.__path__ = []
    shims = {f"ansible.module_utils.{name}": importlib.import_module(f"provisioner.remote.shim.{ours}")
             for name, ours in _STANDS_FOR.items()}  # fmt: skip
    shims |= {f"ansible.{name}": importlib.import_module("provisioner.lookupbase")
              for name in ("plugins.lookup", "utils.display")}  # fmt: skip
    for name, module in {**packages, errors.__name__: errors, **shims}.items():
        sys.modules.setdefault(name, module)
        above, _, last = name.rpartition(".")
        if above:
            setattr(sys.modules[above], last, sys.modules[name])


def _left_out(path: Path, kind: str, error: Exception) -> Diagnostic:
    """With the line, where the file itself is wrong."""
    line = 1
    if isinstance(error, SyntaxError):
        line = error.lineno or 1
    else:
        step = error.__traceback__
        while step is not None:
            if step.tb_frame.f_code.co_filename == str(path):
                line = step.tb_lineno
            step = step.tb_next
    reason = (f"it has no class `{kind}`" if isinstance(error, AttributeError) and repr(kind) in str(error)
              else f"{type(error).__name__}: {error}")  # fmt: skip
    return Diagnostic("Plugin left out", reason, Span(str(path), line, 1), severity="warning",
                      hint="its filters and tests are unknown to templates")  # fmt: skip
