"""`script` on the controller: the file is found, its content goes along, the words stay as written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from provisioner.actions import script
from provisioner.actions.base import Done
from provisioner.template.effects import EffectFailed
from provisioner.testing.expanding import expand, run
from provisioner.values import Unknown


@pytest.fixture
def play(tmp_path: Path) -> Path:
    """A playbook directory with a script in `files/`."""
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "tool.sh").write_text("#!/bin/sh\necho \"$@\"\n")
    return tmp_path


@pytest.mark.parametrize("argument", ["cmd", "_raw_params"])
def test_the_script_is_run_with_its_arguments(play: Path, argument: str) -> None:
    result = run(expand(script, {argument: "tool.sh 'a b' c"}, search=[play]))
    assert (result["stdout"], result["cmd"], result["changed"]) == ("a b c", "tool.sh 'a b' c", True)


def test_a_program_can_run_it_and_what_it_creates_is_looked_for(play: Path) -> None:
    (play / "files" / "x.py").write_text("print(1 + 1)")
    assert run(expand(script, {"cmd": "x.py", "executable": "python3"}, search=[play]))["stdout"] == "2"
    there = run(expand(script, {"cmd": "x.py", "creates": str(play)}, search=[play]))
    assert there["skipped"]
    assert not there["changed"]


def test_a_script_that_is_not_there_is_told(play: Path) -> None:
    with pytest.raises(EffectFailed, match=r"tool.sh"):
        expand(script, {"cmd": "tool"}, search=[play])


@pytest.mark.parametrize(("args", "words"), [
    ({}, "needs the path"), ({"cmd": "tool.sh 'x"}, "can't be split"), ({"cmd": "../files"}, "is a directory"),
])  # fmt: skip
def test_what_cannot_be_run_is_refused_before_anything_is_sent(play: Path, args: dict[str, Any], words: str) -> None:
    refused = expand(script, args, search=[play / "files"])
    assert isinstance(refused, Done)
    assert words in refused.result["msg"]


def test_what_is_not_known_yet_makes_the_task_unknown(play: Path) -> None:
    done = expand(script, {"cmd": Unknown("made later")}, search=[play])
    assert isinstance(done, Done)
    assert done.result["unknown"] == "made later"
