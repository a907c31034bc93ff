"""The yardstick: which targets there are, and what ansible-core itself gave."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

TABLE = Path(__file__).with_name("targets.tsv")
COUNTS = ("ok", "changed", "skipped", "ignored", "asserts")

#: For CI: parts of the language that need no host, together well under six minutes. All of them are equal.
QUICK = frozenset({
    "blocks:43191-2.yml", "blocks:43191.yml", "blocks:72725.yml", "blocks:block_rescue_vars.yml",
    "blocks:finalized_task.yml", "blocks:inherit_notify.yml", "blocks:issue29047.yml", "blocks:unsafe_failed_task.yml",
    "check_mode:check_mode-not-on-cli.yml", "debug:nosetfacts.yml", "ignore_errors:test_ignore_errors.yml",
    "import_tasks", "includes:inherit_notify.yml", "includes:test_includes.yml", "loop_control:break_when.yml",
    "register:can_register.yml", "var_templating:task_vars_templating.yml",
})


@dataclass(frozen=True, slots=True)
class Target:
    """One directory of integration tests, or one playbook of it."""

    name: str
    mode: str
    """`local`: the tested host is a throw-away copy of this machine. `ssh`: it is a lab host."""
    passes: bool
    counts: tuple[int | None, ...]
    """In the order of COUNTS; None where they were not counted."""
    inventory: str
    environment: tuple[str, ...]
    before: str
    """What the target's script does first, as a shell command in the target's directory."""

    @property
    def directory(self) -> str:
        return self.name.partition(":")[0]

    @property
    def playbook(self) -> str:
        return self.name.partition(":")[2]


def targets() -> list[Target]:
    lines = TABLE.read_text().splitlines()
    return [_target(line.split("\t")) for line in lines if line and not line.startswith("#")]


def _target(row: list[str]) -> Target:
    name, mode, status, *rest = row
    counts = tuple(None if value == "-" else int(value) for value in rest[:5])
    return Target(name, mode, status == "pass", counts, rest[5], tuple(rest[6].split()), *rest[7:] or [""])
