"""Plays that only use the controller's own modules."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from provisioner.actions.registry import Registry
from provisioner.effects import answer
from provisioner.engine.batch import Options
from provisioner.template.effects import EffectFailed, EffectFailure
from provisioner.testing.play import Played, play

Tasks = Callable[..., Played]


@pytest.fixture
def run_tasks(tmp_path: Path) -> Tasks:
    """`run_tasks("- debug: {msg: hi}")` runs tasks on one host (or `hosts`) and gives what was played."""

    def run(
        tasks: str, *, hosts: Sequence[str] | Mapping[str, Mapping[str, Any]] = ("h1",), options: Options | None = None
    ) -> Played:
        text = "- hosts: all\n  gather_facts: false\n  tasks:\n" + "".join(
            f"    {line}\n" for line in tasks.strip().splitlines()
        )
        directories = [str(tmp_path)]

        def reply(effect: Any) -> Any:
            found = answer(effect, search_paths=directories)
            if isinstance(found, EffectFailure):
                raise EffectFailed(found.message)
            return found

        return play(
            text, hosts=hosts, modules={}, directory=tmp_path, options=options, actions=Registry(), answers=reply
        )

    return run
