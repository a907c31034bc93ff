"""Variables that a play asks for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from provisioner.engine.batch import Options
from provisioner.template.effects import Effect
from provisioner.testing.play import Played, play

PLAY = """
- hosts: "{{ where }}"
  gather_facts: false
  serial: 1
  vars: {suggested: h2, secondary: b}
  vars_prompt:
    - {name: where, prompt: "Where", default: "{{ suggested }}"}
    - name: secondary
  tasks:
    - yum: {to: "{{ where }}", also: "{{ secondary }}"}
"""


def run(tmp_path: Path, asked: list[Any], **extra: Any) -> Played:
    def answer(effect: Effect) -> Any:
        asked.append((effect.kind, *effect.args[1:]))
        return "typed" if effect.args[0].name == "secondary" else "all"

    return play(PLAY, hosts=("h1", "h2"), modules={"yum": lambda host, args: {}}, directory=tmp_path, answers=answer,
                options=Options(extra_vars=extra))


def test_a_play_asks_once_before_it_knows_its_hosts_and_above_its_own_variables(tmp_path: Path) -> None:
    asked: list[Any] = []
    played = run(tmp_path, asked)
    assert asked == [("prompt", "Where", "h2"), ("prompt", "secondary", None)]
    assert played.history == {host: [("yum", {"to": "all", "also": "typed"})] for host in ("h1", "h2")}


def test_what_the_command_line_gives_is_not_asked_for(tmp_path: Path) -> None:
    asked: list[Any] = []
    played = run(tmp_path, asked, where="h1")
    assert asked == [("prompt", "secondary", None)]
    assert list(played.history) == ["h1"]
