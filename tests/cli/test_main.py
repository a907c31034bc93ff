"""The program around the commands: help, errors and exit codes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import click
import pytest

from provisioner import __version__
from provisioner.cli import main as program
from provisioner.cli.lazy import Entry
from provisioner.cli.main import SECTIONS, cli, main
from provisioner.diag import Diagnostic, HostFailed, InputError, Interrupted, LockHeld, Span, UsageError


def python(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, timeout=60, check=False)


def test_help_loads_nothing_that_only_a_run_needs() -> None:
    code = ("import sys; from provisioner.cli.main import main; code = main(['--help']); "
            "print(*sorted(sys.modules), file=sys.stderr); sys.exit(code)")
    done = python("-c", code)
    loaded = set(done.stderr.split())
    assert done.returncode == 0
    assert "apply" in done.stdout
    assert not loaded & {"yaml", "jinja2", "paramiko", "fabric", "rich", "sqlite3", "asyncio", "cryptography"}
    own = {name for name in loaded if name.startswith("provisioner")}
    assert own == {"provisioner", "provisioner.cli", "provisioner.cli.lazy", "provisioner.cli.main"}


@pytest.mark.parametrize("module", ["provisioner", "provisioner.cli"])
def test_the_package_can_be_run(module: str) -> None:
    done = python("-m", module, "--version")
    assert (done.returncode, done.stdout) == (0, f"provision {__version__}\n")


def test_help_names_every_command_under_its_section(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    text = capsys.readouterr().out
    for title, entries in SECTIONS.items():
        assert f"{title}:" in text
        assert all(f"  {name} " in text for name in entries)


def test_every_command_of_the_table_exists() -> None:
    context = click.Context(cli)
    missing = [name for name in cli.list_commands(context) if cli.get_command(context, name) is None]
    assert missing == []


@pytest.mark.parametrize("arguments", [["aply"], ["--nonsense"], ["apply"], ["apply", "x.yml", "--nonsense"],
                                       ["apply", "x.yml", "--forks", "many"], ["doc"], ["doc", "fiel"]])
def test_wrong_options_end_with_5(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 5
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err


def test_a_misspelt_command_gets_the_nearest_name(capsys: pytest.CaptureFixture[str]) -> None:
    main(["aply"])
    assert "did you mean 'apply'?" in capsys.readouterr().err


Raiser = Callable[[BaseException], int]


@pytest.fixture
def ending(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Raiser:
    """Runs a command that ends with an exception."""
    monkeypatch.setenv("PROVISION_STATE_DIR", str(tmp_path / "state"))

    def run(error: BaseException) -> int:
        @click.command()
        def boom() -> None:
            raise error

        monkeypatch.setattr(program, "boom", boom, raising=False)
        monkeypatch.setitem(cli.entries, "boom", Entry("provisioner.cli.main:boom", ""))
        return main(["boom"])

    return run


@pytest.mark.parametrize(("error", "code"), [
    (UsageError("x"), 5), (InputError([Diagnostic("x")]), 4), (HostFailed("x"), 2), (LockHeld("x"), 6),
    (Interrupted("x"), 99), (KeyboardInterrupt(), 99), (KeyError("x"), 250), (RecursionError("x"), 250),
])
def test_each_error_has_its_exit_code(ending: Raiser, error: BaseException, code: int) -> None:
    assert ending(error) == code


def test_a_mistake_in_a_file_is_shown_with_its_line(ending: Raiser, tmp_path: Path,
                                                    capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "site.yml"
    file.write_text("- hosts: all\n  wehn: x\n")
    span = Span(str(file), 2, 3)
    ending(InputError([Diagnostic("Unknown keyword", "`wehn` is none", span, "did you mean `when`?")]))
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == (f"{file}:2:3: error: Unknown keyword\n  `wehn` is none\n"
                            "    2 |   wehn: x\n      |   ^\n  did you mean `when`?\n")


def test_a_bug_leaves_its_traceback_in_a_file_and_two_lines(ending: Raiser, tmp_path: Path,
                                                            capsys: pytest.CaptureFixture[str]) -> None:
    assert ending(KeyError("no\x1b[31m")) == 250
    first, second = capsys.readouterr().err.splitlines()
    assert first == "provision has a bug: KeyError"  # the message may hold a value
    file, = (tmp_path / "state" / "crashes").iterdir()
    assert str(file) in second
    assert "Traceback" in file.read_text()
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700


def test_a_reader_who_goes_away_gets_no_traceback() -> None:
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run([sys.executable, "-m", "provisioner", "doc", "--list"], stdout=write, stderr=subprocess.PIPE,
                          timeout=60, check=False)
    os.close(write)
    assert (done.returncode, done.stderr) == (1, b"")


def test_a_run_goes_on_to_its_end_when_nobody_reads_any_more(tmp_path: Path) -> None:
    (tmp_path / "site.yml").write_text(
        "- hosts: localhost\n  gather_facts: false\n  tasks:\n"
        "    - debug: {msg: a}\n"
        f"    - copy: {{content: x, dest: {tmp_path}/made}}\n")
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run([sys.executable, "-m", "provisioner", "apply", "site.yml"], stdout=write, check=False,
                          stderr=subprocess.DEVNULL, timeout=60, cwd=tmp_path,
                          env={**os.environ, "PROVISION_STATE_DIR": str(tmp_path / "state")})
    os.close(write)
    assert (tmp_path / "made").read_text() == "x"
    assert done.returncode == 0


def test_latin_1_terminals_get_escapes_instead_of_a_crash(tmp_path: Path) -> None:
    (tmp_path / "site.yml").write_text("- hosts: localhost\n  gather_facts: false\n  tasks:\n"
                                       "    - debug: {msg: \"日本\"}\n", encoding="utf-8")
    done = subprocess.run([sys.executable, "-m", "provisioner", "apply", "site.yml"], capture_output=True, check=False,
                          timeout=60, cwd=tmp_path,
                          env={**os.environ, "PYTHONIOENCODING": "latin-1", "PROVISION_STATE_DIR": str(tmp_path)})
    assert done.returncode == 0
    assert b'"msg": "\\u65e5\\u672c"' in done.stdout


def test_json_output_is_nothing_but_json(tmp_path: Path) -> None:
    (tmp_path / "site.yml").write_text("- hosts: localhost\n  gather_facts: false\n  tasks:\n    - debug: {msg: a}\n")
    done = subprocess.run([sys.executable, "-m", "provisioner", "apply", "--json", "site.yml"], capture_output=True,
                          check=False, timeout=60, cwd=tmp_path,
                          env={**os.environ, "PROVISION_STATE_DIR": str(tmp_path / "state")})
    types = [json.loads(line)["type"] for line in done.stdout.splitlines()]
    assert types == ["run_start", "warning", "play_start", "task_start", "result", "stats", "run_end"]
