"""What lookups written for Ansible import: `ansible.plugins.lookup.LookupBase` and `ansible.utils.display.Display`."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from provisioner.lang.yaml_dump import load_plain
from provisioner.template.checks import as_boolean


class Display:
    """Warnings go to standard error; what Ansible shows with `-v` only is not shown."""

    def warning(self, msg: str, formatted: bool = False) -> None:
        sys.stderr.write(f"[WARNING]: {msg}\n")

    def deprecated(self, msg: str, *_: Any, **__: Any) -> None:
        self.warning(msg)

    def display(self, msg: str, *_: Any, **__: Any) -> None:
        sys.stderr.write(f"{msg}\n")

    def verbose(self, msg: str, *_: Any, **__: Any) -> None:
        """Nothing."""

    v = vv = vvv = vvvv = vvvvv = vvvvvv = debug = verbose


class Files:
    """What a lookup finds as `self._loader`."""

    def __init__(self, search: Sequence[str]) -> None:
        """search: directories in order; the last one is the playbook's."""
        self.search = tuple(search)

    def get_basedir(self) -> str:
        return self.search[-1] if self.search else "."

    def path_dwim(self, given: str) -> str:
        return os.path.join(self.get_basedir(), os.path.expanduser(given))


class LookupBase:
    """documentation: the text `DOCUMENTATION` of the file, which says what options there are.

    accept_args_markers: whether it is asked, too, where one of its terms or options is undefined.
    """

    documentation = ""
    accept_args_markers = False

    def __init__(self, loader: Files | None = None, templar: None = None, **_: Any) -> None:
        self._loader = loader or Files(())
        self._display = Display()
        self._given: dict[str, Any] = {}
        self._variables: Mapping[str, Any] = {}

    def set_options(self, task_keys: None = None, var_options: Mapping[str, Any] | None = None,
                    direct: Mapping[str, Any] | None = None) -> None:
        self._variables, self._given = var_options or {}, dict(direct or {})
        unknown = sorted(set(self._given) - set(self._documented()))
        if unknown and self.documentation:
            raise ValueError(f"it has no option {', '.join(map(repr, unknown))}")

    def get_option(self, option: str, hostvars: Mapping[str, Any] | None = None) -> Any:
        """As given, else out of a variable, else out of the environment, else the default."""
        documented = self._documented()
        if option not in documented:
            if option in self._given:
                return self._given[option]
            raise KeyError(f"its DOCUMENTATION has no option {option!r}")
        about = documented[option] or {}
        value = self._found(option, about, self._variables if hostvars is None else hostvars)
        if value is None and as_boolean(about.get("required", False)):
            raise ValueError(f"the option {option!r} is required and was not given")
        return value if value is None else _converted(option, value, str(about.get("type", "")))

    def has_option(self, option: str) -> bool:
        return option in self._documented()

    def get_options(self, hostvars: Mapping[str, Any] | None = None) -> dict[str, Any]:
        return {name: self.get_option(name, hostvars) for name in self._documented() if name != "_terms"}

    def set_option(self, option: str, value: Any) -> None:
        self._given[option] = value

    def get_basedir(self, variables: Mapping[str, Any]) -> str:
        return self._loader.get_basedir()

    def find_file_in_search_path(self, myvars: Mapping[str, Any], subdir: str, needle: str,
                                 ignore_missing: bool = False) -> str | None:
        """The path of a file as the lookup `file` finds it; without one None, and a warning unless `ignore_missing`."""
        for base in self._loader.search:
            for candidate in (Path(base, subdir, needle), Path(base, needle)):
                if candidate.exists():
                    return str(candidate)
        if not ignore_missing:
            self._display.warning(f"Unable to find {needle!r} in expected paths")
        return None

    def _documented(self) -> Mapping[str, Any]:
        return (load_plain(self.documentation) or {}).get("options") or {} if self.documentation else {}

    def _found(self, option: str, about: Mapping[str, Any], variables: Mapping[str, Any]) -> Any:
        if option in self._given:
            return self._given[option]
        for place in about.get("vars") or ():
            if place["name"] in variables:
                return variables[place["name"]]
        for place in about.get("env") or ():
            if place["name"] in os.environ:
                return os.environ[place["name"]]
        return about.get("default")

    @staticmethod
    def _flatten(terms: Iterable[Any]) -> list[Any]:
        return [item for term in terms for item in (term if isinstance(term, (list, tuple)) else [term])]


def _converted(option: str, value: Any, kind: str) -> Any:
    """What the option's type makes of texts, as the environment and inventories give them."""
    if kind in ("bool", "boolean"):
        answer = as_boolean(value)
        if answer is None:
            raise ValueError(f"the option {option!r} has to be a boolean, not {value!r}")
        return answer
    if kind in ("int", "integer", "float"):
        return (float if kind == "float" else int)(value)
    if kind == "list" and isinstance(value, str):
        return [part.strip() for part in value.split(",")]
    if kind in ("str", "string") and not isinstance(value, str):
        return str(value)
    return os.path.expanduser(value) if kind in ("path", "pathspec") and isinstance(value, str) else value
