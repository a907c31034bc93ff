"""The yardstick: which targets there are, and what ansible-core itself gave."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

TABLE = Path(__file__).with_name("targets.tsv")
FURTHER = Path(__file__).with_name("further.tsv")
COUNTS = ("ok", "changed", "skipped", "ignored", "asserts")

#: For CI (.ci/language): parts of the language that need no host, a few minutes in all. All of them are equal.
QUICK = frozenset({
    "blocks:43191-2.yml", "blocks:43191.yml", "blocks:72725.yml", "blocks:block_rescue_vars.yml",
    "blocks:finalized_task.yml", "blocks:inherit_notify.yml", "blocks:issue29047.yml", "blocks:unsafe_failed_task.yml",
    "changed_when", "check_mode:check_mode-not-on-cli.yml", "debug:nosetfacts.yml",
    "handlers:79776.yml", "handlers:rescue_flush_handlers.yml", "handlers:test_handlers_inexistent_notify.yml",
    "handlers:test_listening_handlers.yml", "handlers:test_multiple_handlers_with_recursive_notification.yml",
    "handlers:test_role_handlers_including_tasks.yml", "handlers:test_templating_in_handlers.yml",
    "ignore_errors:test_ignore_errors.yml", "import_tasks", "include_import:apply/include_apply_65710.yml",
    "include_import:public_exposure/playbook.yml", "include_import:role/test_include_role.yml",
    "include_import:run_once/playbook.yml", "include_import:tasks/test_import_tasks.yml",
    "include_import:test_grandparent_inheritance.yml", "include_import:test_loop_var_bleed.yaml",
    "include_import:test_nested_tasks.yml", "include_import:test_role_recursion.yml",
    "include_import:undefined_var/playbook.yml", "includes:inherit_notify.yml", "includes:test_includes.yml",
    "loop_control:break_when.yml", "loop_control:extended.yml", "meta_tasks:test_end_host_rescue_rc.yml",
    "register:can_register.yml", "roles:data_integrity.yml", "roles:role_dep_chain.yml", "roles:test_subdirs.yml",
    "roles:vars_scope.yml", "set_fact:incremental.yml", "set_fact:set_fact_bool_conv_jinja2_native.yml",
    "strategy_linear:task_action_templating.yml", "strategy_linear:task_templated_run_once.yml",
    "template:ansible_managed.yml", "template:corner_cases.yml", "template:template_overrides.yml",
    "var_templating:task_vars_templating.yml",
})


#: Targets that are about modules; all others are about the language.
OF_MODULES = frozenset({
    "apt", "command_shell", "copy", "cron", "file", "find", "git", "hostname", "lineinfile", "replace", "service",
    "slurp", "stat", "systemd", "tempfile", "user", "wait_for",
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
    further: bool = False
    """It is none of those that the yardstick names."""

    @property
    def directory(self) -> str:
        return self.name.partition(":")[0]

    @property
    def playbook(self) -> str:
        return self.name.partition(":")[2]


def targets() -> list[Target]:
    """Those that the yardstick names, then the further ones."""
    return [_target(line.split("\t"), further) for table, further in ((TABLE, False), (FURTHER, True))
            for line in table.read_text().splitlines() if line and not line.startswith("#")]


def unnamed(name: str) -> Target:
    """One of which nothing is known yet."""
    return Target(name, "local", True, (None,) * len(COUNTS), "../../inventory", (), "", further=True)


def _target(row: list[str], further: bool) -> Target:
    name, mode, status, *rest = row
    counts = tuple(None if value == "-" else int(value) for value in rest[:5])
    return Target(name, mode, status == "pass", counts, rest[5], tuple(rest[6].split()), rest[7] if rest[7:] else "",
                  further)
