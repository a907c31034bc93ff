"""Every module for hosts, by the same rules, on a real host. See `provisioner.testing.modules` for the rules."""

from __future__ import annotations

import ast
import importlib.util
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import ModuleType

import pytest

from provisioner.lab import Lab, LabHost
from provisioner.lab.machine import enter
from provisioner.testing.modules import Case, Listing, case_problems, listing, module_names, spec_problems
from provisioner.testing.pipes import MINIMAL_PATH, PipeRunner

CASES = Path(__file__).parent / "cases"
ROOT = Path(__file__).parents[2]
MODULES = module_names()


def cases_of(name: str) -> ModuleType | None:
    file = CASES / f"{name}.py"
    if not file.exists():
        return None
    spec = importlib.util.spec_from_file_location(f"cases_{name}", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


FORBIDDEN_CALLS = {
    "print", "exit", "quit", "os.chdir", "os.umask", "os.system", "os.fork", "sys.exit", "os._exit",
}  # fmt: skip
FORBIDDEN_IMPORTS = {"threading", "subprocess", "logging", "multiprocessing"}
GIVEN = {name: cases_of(name) for name in MODULES}
ALL = [(name, case) for name, module in GIVEN.items() for case in getattr(module, "CASES", ())]
PACKAGES = sorted({package for module in GIVEN.values() for package in getattr(module, "PACKAGES", ())})


@pytest.mark.parametrize("name", MODULES)
def test_the_spec_is_complete_and_its_examples_are_right(name: str) -> None:
    assert spec_problems(name) == []


@pytest.mark.parametrize("name", MODULES)
def test_the_module_is_shown_by_cases(name: str) -> None:
    module = GIVEN[name]
    assert module is not None, f"write {CASES.name}/{name}.py"
    elsewhere = getattr(module, "ELSEWHERE", None)
    if elsewhere is not None:
        assert (ROOT / elsewhere).is_file(), f"{elsewhere} is not there"
    else:
        assert module.CASES
        names = [case.name for case in module.CASES]
        assert len(set(names)) == len(names)


def test_no_cases_are_left_of_a_module_that_went() -> None:
    assert sorted(file.stem for file in CASES.glob("*.py") if file.stem not in MODULES) == []


@pytest.mark.parametrize("name", MODULES)
def test_the_module_does_nothing_a_shared_process_forbids(name: str) -> None:
    """A first line of defence; the runner notices most of it as well."""
    file = ROOT / "provisioner" / "remote" / "modules" / f"{name}.py"
    found = []
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            if called in FORBIDDEN_CALLS:
                found.append(f"line {node.lineno}: {called}")
        if isinstance(node, (ast.Global, ast.AsyncFunctionDef)):
            found.append(f"line {node.lineno}: {type(node).__name__}")
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""]
            found += [f"line {node.lineno}: import {one}" for one in names if one in FORBIDDEN_IMPORTS]
    assert found == []


@pytest.fixture(scope="module")
def host(lab: Lab) -> Iterator[LabHost]:
    with ExitStack() as cleanup:
        host, = lab.up(["conformance"], packages=PACKAGES)
        cleanup.callback(lab.down, [host.name])
        yield host


@pytest.fixture(scope="module")
def runner(host: LabHost, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PipeRunner]:
    assert host.leader_pid is not None
    prefix, environment = enter(host.leader_pid), {"PATH": MINIMAL_PATH, "HOME": "/root"}
    with PipeRunner(python="/usr/bin/python3", prefix=prefix, environment=environment, timeout=180) as runner:
        yield runner


@pytest.mark.parametrize(("name", "case"), [pytest.param(*pair, id=f"{pair[0]}: {pair[1].name}") for pair in ALL])
def test_case(host: LabHost, runner: PipeRunner, name: str, case: Case) -> None:
    def look(ignore: Sequence[str]) -> Listing:
        # Every change lands in the overlay's upper directory, a removal as a whiteout: a tenth of the files to list.
        return listing(host.directory / "upper", ignore)

    before = left_over(host, runner)
    assert case_problems(runner, name, case, look) == []
    assert left_over(host, runner) == before


def left_over(host: LabHost, runner: PipeRunner) -> dict[str, list[str]]:
    """What a module may forget: temporary directories, open descriptors, children of the runner."""
    pid = runner.hello["pid"]
    script = (
        "ls -d /tmp/provision-* /var/tmp/provision-* 2>/dev/null; echo --; "
        f"for fd in /proc/{pid}/fd/*; do readlink $fd; done; echo --; ps -o args= --ppid {pid}"
    )
    parts = host.run(["sh", "-c", script], check=False).stdout.split("--\n")
    names = ("temporary", "descriptors", "children")
    return dict(zip(names, (sorted(part.split("\n")) for part in parts), strict=True))
