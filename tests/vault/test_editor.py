"""The plain text in an editor: private while it is there, and gone however it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from provisioner.diag import UsageError
from provisioner.vault.editor import IN_MEMORY, edit, editor_of


def editor(path: Path, script: str) -> dict[str, str]:
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o700)
    return {"EDITOR": str(path)}


def left() -> set[str]:
    return {name for name in os.listdir(IN_MEMORY) if name.startswith("provision-vault-")}


def test_the_editor_sees_a_private_file_of_the_same_name(tmp_path: Path) -> None:
    before = left()
    script = f'stat -c "%a" "$1" $(dirname "$1") > {tmp_path}/seen; basename "$1" >> {tmp_path}/seen; echo more >> "$1"'
    assert edit(b"text\n", "a/secrets.yml", editor(tmp_path / "ed", script)) == b"text\nmore\n"
    assert (tmp_path / "seen").read_text() == "600\n700\nsecrets.yml\n"
    assert left() == before


def test_an_editor_that_writes_a_new_file_is_understood(tmp_path: Path) -> None:
    script = 'echo new > "$1.swp"; mv "$1.swp" "$1"; echo old > "$1~"'
    before = left()
    assert edit(b"text\n", "f", editor(tmp_path / "ed", script)) == b"new\n"
    assert left() == before


@pytest.mark.parametrize(("script", "words"), [("exit 1", "ended with 1"), ('rm "$1"', "removed the file")])
def test_an_editor_that_fails_changes_nothing(tmp_path: Path, script: str, words: str) -> None:
    before = left()
    with pytest.raises(UsageError, match=words):
        edit(b"text\n", "f", editor(tmp_path / "ed", script))
    assert left() == before


def test_an_editor_that_is_not_there_is_told() -> None:
    with pytest.raises(UsageError) as error:
        edit(b"x", "f", {"EDITOR": "no-such-editor --wait"})
    assert "`no-such-editor` cannot be run" in error.value.message
    assert editor_of({"EDITOR": "code --wait", "VISUAL": ""}) == ["code", "--wait"]
    assert editor_of({}) == ["vi"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_nothing_is_left_when_the_program_is_ended(tmp_path: Path, number: signal.Signals) -> None:
    environment = editor(tmp_path / "ed", f'echo "$1" > {tmp_path}/name.new; mv {tmp_path}/name.new {tmp_path}/name; '
                                          "exec sleep 100")
    program = "import os; from provisioner.vault.editor import edit; edit(b'secret', 'f', os.environ)"
    with subprocess.Popen([sys.executable, "-c", program], env={**os.environ, **environment},
                          stderr=subprocess.DEVNULL) as process:
        deadline = time.monotonic() + 60
        while not (tmp_path / "name").exists():
            assert time.monotonic() < deadline
            time.sleep(0.02)
        name = Path((tmp_path / "name").read_text().strip())
        assert name.read_text() == "secret"
        process.send_signal(number)
        assert process.wait(60)
    assert not name.parent.exists()
