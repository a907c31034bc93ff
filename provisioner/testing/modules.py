"""Checks that every module for hosts must pass, and the `Case`s they are made with.

Each module `provisioner/remote/modules/NAME.py` has a file `tests/modules/cases/NAME.py` with `CASES`, a list of
`Case`; `tests/modules/test_conformance.py` finds both by itself and runs each case on a lab host:

1. `setup` is run (not judged).
2. Check mode with diff: the whole file system of the host is listed before and after and must be the same.
3. Apply with diff, reading again afterwards: it must change something (`changes`), its diff must equal the one of check
   mode, and its result must hold `result`. The state must have converged.
4. Apply again: nothing may change (`repeats`). Check again: it must say so too.
5. Nothing may be left behind: no temporary directory, no open descriptor, no process of the module.

Cases of one module run one after the other on one host, so a case starts from its own `setup`, in places of its own
(`/opt/case/NAME`). A case that must fail says why in `fails`. A module whose behaviour is shown elsewhere, because one
host is not enough for it, has `ELSEWHERE = "tests/…/test_x.py"` instead of CASES.

    CASES = [
        Case("a new directory", {"path": "/opt/case/file", "state": "directory", "mode": "0750"}),
        Case("a file becomes a link", {"path": "/opt/case/l", "src": "/etc/hosts", "state": "link", "force": True},
             setup=[("file", {"path": "/opt/case/l", "state": "touch"})]),
        Case("no such owner", {"path": "/opt/case/x", "state": "touch", "owner": "nobody-here"}, fails="no user"),
    ]
"""

from __future__ import annotations

import os
import pkgutil
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

from provisioner.lang.yaml import load_data
from provisioner.messages import Content
from provisioner.remote import modules as package
from provisioner.remote.spec import Spec
from provisioner.values import Template

Call = tuple[str, Mapping[str, Any]]

NOISE = ("proc", "sys", "run", "dev", "tmp", "var/tmp", "var/log", "var/lib/systemd", "var/lib/private",
         "root/.cache/provisioner")
"""Directories of a host that change by themselves."""


@dataclass(frozen=True)
class Case:
    """One use of a module. `args` are what the host gets, content references included.

    setup: modules run before, in order, as (name, arguments). contents: what content references name.
    changes: whether the first apply changes something. repeats: whether the second apply must change nothing
    (False for `command` without `creates`). checks: what check mode must say: "same" as the apply, "unknown", or
    "skipped". fails: a part of the message of a case that must fail; check mode must fail alike unless `checks` says
    otherwise. result: fields that the result of the apply must have. ignore: further directories, relative to /, that
    may change in check mode (caches a program keeps). same_diff: whether check diff and apply diff can be compared.
    """

    name: str
    args: Mapping[str, Any]
    setup: Sequence[Call] = ()
    contents: Sequence[Content] = ()
    changes: bool = True
    repeats: bool = True
    checks: str = "same"
    fails: str = ""
    result: Mapping[str, Any] = field(default_factory=dict)
    ignore: Sequence[str] = ()
    same_diff: bool = True
    environment: Mapping[str, str] = field(default_factory=dict)


class Caller(Protocol):
    """A session with a runner; `pipes.PipeRunner` is one."""

    def call(self, module: str, args: Mapping[str, Any] | None = None, *, contents: Sequence[Content] = (),
             **options: Any) -> dict[str, Any]: ...


def module_names() -> list[str]:
    """All modules for hosts, found by their files."""
    return sorted(info.name for info in pkgutil.iter_modules(package.__path__) if not info.name.startswith("_"))


def spec_of(name: str) -> Spec:
    spec = import_module(f"{package.__name__}.{name}").SPEC
    assert isinstance(spec, Spec)
    return spec


def spec_problems(name: str) -> list[str]:
    """What is missing or wrong in a module's contract, in words; empty when it is complete."""
    module, spec = import_module(f"{package.__name__}.{name}"), spec_of(name)
    found = []
    if spec.name != name:
        found.append(f"its Spec is named {spec.name!r}")
    if not spec.summary or spec.summary.endswith("."):
        found.append("the summary is empty or ends in a full stop")
    is_state = hasattr(module, "current")
    if is_state and not (hasattr(module, "wanted") and hasattr(module, "apply") and spec.check == "state"):
        found.append("a state module has `current`, `wanted`, `apply` and check='state'")
    if not is_state and not (hasattr(module, "run") and spec.check in {"skip", "run", "predict"}):
        found.append("an action module has `run` and check='skip', 'run' or 'predict'")
    found += [f"identity names {one!r}, which is no argument" for one in spec.identity if one not in spec.args]
    if spec.free_form is not None and spec.free_form not in spec.args:
        found.append(f"free_form names {spec.free_form!r}, which is no argument")
    for argument, described in spec.args.items():
        if not described.doc and not described.internal:
            found.append(f"argument `{argument}` has no doc")
    is_internal = all(described.internal for described in spec.args.values()) and bool(spec.args)
    if not spec.examples and not is_internal and not spec.name.startswith(("_", "nextjs_")):
        found.append("it has no examples")
    return found + example_problems(spec)


def example_problems(spec: Spec) -> list[str]:
    """Whether the examples parse and are right for the Spec."""
    if not spec.examples:
        return []
    tasks = load_data(spec.examples, f"examples of {spec.name}")
    if not isinstance(tasks, list):
        return ["the examples are not a list of tasks"]
    found, uses = [], 0
    for task in tasks:
        if not isinstance(task, Mapping) or spec.name not in task:
            continue  # a task that shows what goes before or after
        uses += 1
        args = task[spec.name]
        if isinstance(args, str):
            args = {spec.free_form: args} if spec.free_form else {}
        args = {**(args or {}), **(task.get("args") or {})}
        found += [f"example {task.get('name')!r}: {problem.message}" for problem in spec.problems(args, _is_constant)]
    return found if uses else ["no example uses the module"]


def _is_constant(value: Any) -> bool:
    return not isinstance(value, Template) and not (isinstance(value, str) and ("{{" in value or "{%" in value))


# -- a case on a host -------------------------------------------------------------------------------------------

Listing = Mapping[str, tuple[Any, ...]]


def listing(root: Path, ignore: Sequence[str] = ()) -> Listing:
    """Every file of a host by its path: kind and mode, owner, size, time of change, link count, link target."""
    skipped = {str(root / part) for part in (*NOISE, *ignore)}
    found: dict[str, tuple[Any, ...]] = {}

    def visit(folder: str) -> Iterator[None]:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.path in skipped:
                    continue
                status = entry.stat(follow_symlinks=False)
                is_directory = entry.is_dir(follow_symlinks=False)
                target = os.readlink(entry.path) if entry.is_symlink() else ""
                # A directory's own time also changes when an ignored entry in it does, so its names stand for it.
                size = (0, 0) if is_directory else (status.st_size, status.st_mtime_ns)
                links = 0 if is_directory else status.st_nlink
                found[entry.path] = (status.st_mode, status.st_uid, status.st_gid, *size, links, target)
                if is_directory:
                    yield from visit(entry.path)

    for _ in visit(str(root)):
        pass
    return found


def differences(before: Listing, after: Listing) -> list[str]:
    """Paths that came, went or changed."""
    return [path for path in sorted({*before, *after}) if before.get(path) != after.get(path)]


def case_problems(caller: Caller, module: str, case: Case, look: Callable[[Sequence[str]], Listing]) -> list[str]:
    """Run a case as told in this module's docstring; what went wrong, in words. `look` lists the host's files."""
    for name, args in case.setup:
        done = caller.call(name, args)
        if done.get("failed"):
            return [f"setup `{name}` failed: {done.get('msg')}"]

    def run(**options: Any) -> dict[str, Any]:
        return caller.call(module, case.args, contents=case.contents, env=dict(case.environment), **options)

    before = look(case.ignore)
    checked = run(check=True, diff=True)
    found = [f"check mode changed {path}" for path in differences(before, look(case.ignore))]
    applied = run(diff=True, verify=True)
    if case.fails:
        return found + _failure_problems(case, checked, applied)
    if applied.get("failed"):
        return [*found, f"failed: {applied.get('msg')} {applied.get('exception', '')}"]
    found += _agreement_problems(case, checked, applied)
    if not case.repeats:
        return found
    again = run(diff=True, verify=True)
    if again.get("failed") or again.get("changed"):
        found.append(f"the second apply says {_short(again)}")
    if case.checks == "same":
        still = run(check=True, diff=True)
        if still.get("failed") or still.get("changed"):
            found.append(f"check mode after the apply says {_short(still)}")
    return found


def _failure_problems(case: Case, checked: Mapping[str, Any], applied: Mapping[str, Any]) -> list[str]:
    found = []
    told = [("the apply", applied)] + ([("check mode", checked)] if case.checks == "same" else [])
    for what, result in told:
        if not result.get("failed") or case.fails not in str(result.get("msg")) or "exception" in result:
            exception = result.get("exception", "")
            found.append(f"{what} should fail with {case.fails!r} and says {_short(result)} {exception}")
    return found


def _agreement_problems(case: Case, checked: Mapping[str, Any], applied: Mapping[str, Any]) -> list[str]:
    found = []
    if bool(applied.get("changed")) != case.changes:
        found.append(f"the apply should{'' if case.changes else ' not'} change something: {_short(applied)}")
    for key, value in case.result.items():
        if applied.get(key) != value:
            found.append(f"the result's {key} is {applied.get(key)!r}, not {value!r}")
    if case.checks == "same":
        if checked.get("failed") or bool(checked.get("changed")) != case.changes:
            found.append(f"check mode says {_short(checked)}")
        if case.same_diff and checked.get("diff") != applied.get("diff"):
            found.append(f"check mode's diff {checked.get('diff')!r} is not the apply's {applied.get('diff')!r}")
    elif not checked.get(case.checks):
        found.append(f"check mode should be {case.checks} and says {_short(checked)}")
    return found


def _short(result: Mapping[str, Any]) -> str:
    text = str({key: value for key, value in result.items() if key != "exception"})
    return re.sub(r"\s+", " ", text)[:600]
