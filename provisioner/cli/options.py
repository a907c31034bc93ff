"""The options that commands share, with ansible-playbook's names and meanings, as one value: all of them for `apply`
and `plan`, those about hosts for others."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import click

from provisioner.cli.configured import settings_of
from provisioner.settings import Settings
from provisioner.vault.keyring import Keyring
from provisioner.vault.passwords import Given, Source, problems, read_all, sources


@dataclass(frozen=True, slots=True)
class RunOptions:
    """What was given on the command line, checked for form only. Fields are named as the options."""

    playbooks: tuple[str, ...] = ()
    inventory: tuple[str, ...] = ()
    limit: str | None = None
    tags: tuple[str, ...] = ()
    skip_tags: tuple[str, ...] = ()
    extra_vars: tuple[str, ...] = ()
    check: bool = False
    diff: bool = False
    forks: int = 5
    user: str | None = None
    connection: str | None = None
    timeout: float | None = None
    private_key: str | None = None
    ask_pass: bool = False
    accept_new_host_keys: bool = False
    become: bool = False
    become_user: str | None = None
    become_method: str | None = None
    ask_become_pass: bool = False
    force_handlers: bool = False
    verbose: int = 0
    json: bool = False
    junit: str | None = None
    html: str | None = None
    state_dir: str | None = None
    history: bool = True
    vault_id: tuple[str, ...] = ()
    vault_password_file: tuple[str, ...] = ()
    ask_vault_password: bool = False
    target: tuple[str, ...] = ()
    replace: tuple[str, ...] = ()
    yes: bool = False
    list_hosts: bool = False
    list_tasks: bool = False
    list_tags: bool = False
    syntax_check: bool = False
    flush_cache: bool = False
    start_at_task: str | None = None
    step: bool = False
    settings: Settings = Settings()
    """What has no option: from files and the environment."""

    @property
    def only_lists(self) -> bool:
        """Whether nothing is to be run, only shown."""
        return self.list_hosts or self.list_tasks or self.list_tags or self.syntax_check


def _options() -> list[Callable[[Callable[..., Any]], Callable[..., Any]]]:
    flag = functools.partial(click.option, is_flag=True)
    many = functools.partial(click.option, multiple=True)
    return [
        click.argument("playbooks", nargs=-1, required=True, metavar="PLAYBOOK..."),
        many("-i", "--inventory", "--inventory-file", "inventory", metavar="PATH",
             help="Inventory file, directory, or hosts with commas. Default: ./inventories, else this machine."),
        click.option("-l", "--limit", metavar="PATTERN", help="Only these of the hosts."),
        many("-t", "--tags", metavar="TAGS", help="Only tasks with one of these tags (a,b)."),
        many("--skip-tags", metavar="TAGS", help="No tasks with one of these tags."),
        many("-e", "--extra-vars", metavar="VARS", help="Variables above all others: name=value, JSON, YAML or @file."),
        flag("-C", "--check", help="Change nothing; tell what would change."),
        flag("-D", "--diff", help="Show what changes in files and settings."),
        click.option("-f", "--forks", type=click.IntRange(1), default=5, show_default=True, help="Hosts at a time."),
        click.option("-u", "--user", metavar="NAME", help="Log in as this user."),
        click.option("-c", "--connection", type=click.Choice(["ssh", "local"]), help="How hosts are reached."),
        click.option("-T", "--timeout", type=click.FloatRange(0, min_open=True), metavar="SECONDS",
                     help="How long a connection may take."),
        click.option("--private-key", "--key-file", "private_key", metavar="PATH", help="Key to log in with."),
        flag("-k", "--ask-pass", help="Ask for the password to log in with."),
        flag("--accept-new-host-keys", help="Store keys of unknown hosts; a changed key is refused all the same."),
        flag("-b", "--become", help="Become another user on the hosts."),
        click.option("--become-user", metavar="NAME", help="Whom to become (root)."),
        click.option("--become-method", metavar="METHOD", help="How to become (sudo)."),
        flag("-K", "--ask-become-pass", help="Ask for the password that sudo wants."),
        flag("--force-handlers", help="Run notified handlers even when a task failed."),
        click.option("-v", "--verbose", count=True, help="Show results; -vv where tasks stand, -vvv everything."),
        flag("--json", help="One JSON object a line on standard output."),
        click.option("--junit", metavar="FILE", help="Write the results as JUnit XML at the end."),
        click.option("--html", metavar="FILE", help="Write the run as a page at the end."),
        click.option("--state-dir", metavar="DIR", help="Keep state there instead of the XDG place."),
        click.option("--history/--no-history", default=True,
                     help="Whether to record the run (see `provision history`)."),
        *vault_options(),
        click.option("--start-at-task", metavar="NAME", help="Leave out all tasks before this one."),
        flag("--step", help="Ask before each task."),
        flag("--flush-cache", help="Forget the facts that were kept from earlier runs."),
        many("--target", metavar="NAME", help="Of the machines only this one, or this declaration, and what it needs."),
        many("--replace", metavar="NAME", help="This machine may be replaced by a new one: all it holds is lost."),
        flag("-y", "--yes", help="Change machines, or with `drift --fix` hosts, without asking."),
        flag("--list-hosts", help="Show the hosts of each play; run nothing."),
        flag("--list-tasks", help="Show the tasks; run nothing."),
        flag("--list-tags", help="Show the tags; run nothing."),
        flag("--syntax-check", help="Load everything, report mistakes; run nothing."),
    ]


def vault_options() -> list[Callable[[Callable[..., Any]], Callable[..., Any]]]:
    """Which passwords there are: parameters `vault_id`, `vault_password_file` and `ask_vault_password`."""
    return [
        click.option("--vault-id", multiple=True, metavar="LABEL@SOURCE",
                     help="A vault password: from a file, a program, or `prompt`."),
        click.option("--vault-password-file", "--vault-pass-file", "vault_password_file", multiple=True, metavar="PATH",
                     help="File, or program, with a vault password."),
        click.option("-J", "--ask-vault-password", "--ask-vault-pass", "ask_vault_password", is_flag=True,
                     help="Ask for the vault password."),
    ]


def keyring(vault_id: Sequence[str], vault_password_file: Sequence[str], *, ask_vault_password: bool) -> Keyring:
    """The passwords that those options and the environment name, asked for and read now."""
    named = sources(Given(vault_id, vault_password_file, ask_vault_password), os.environ)
    warn_about(named)
    return Keyring(read_all(named, ask_password), only_matching=is_set("ANSIBLE_VAULT_ID_MATCH"))


def warn_about(named: Iterable[Source]) -> None:
    """Tell about password files that others can read."""
    for problem in problems(named):
        click.echo(f"[WARNING]: {problem}", err=True)


def with_vault(command: Callable[..., Any]) -> Callable[..., Any]:
    """Gives `command` the options above as one keyword, `vault`: a `Keyring`."""

    @functools.wraps(command)
    def collected(*args: Any, vault_id: Sequence[str], vault_password_file: Sequence[str], ask_vault_password: bool,
                  **given: Any) -> Any:
        vault = keyring(vault_id, vault_password_file, ask_vault_password=ask_vault_password)
        return command(*args, vault=vault, **given)

    for option in reversed(vault_options()):
        collected = option(collected)
    return collected


def is_set(name: str) -> bool:
    """Whether a variable of the environment says yes."""
    return os.environ.get(name, "").strip().lower() in {"1", "true", "yes", "on", "y", "t"}


def run_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Gives `command` all shared options as its first argument, a `RunOptions`; its own follow as keywords."""

    @functools.wraps(command)
    def collected(**given: Any) -> Any:
        options = options_in(given, click.get_current_context(silent=True))
        return command(options, **{name: value for name, value in given.items() if name not in _NAMES})

    for option in reversed(_options()):
        collected = option(collected)
    return collected


def options_in(given: Mapping[str, Any], context: click.Context | None) -> RunOptions:
    """The shared ones of a command's parameters."""
    return RunOptions(**{name: given[name] for name in _NAMES}, settings=settings_of(context))


_NAMES = tuple(field.name for field in fields(RunOptions) if field.name != "settings")
_OF_PLAYBOOKS = frozenset({
    "playbooks", "tags", "skip_tags", "check", "diff", "force_handlers", "verbose", "json", "junit", "html",
    "list_hosts", "list_tasks", "list_tags", "syntax_check", "flush_cache", "start_at_task", "step",
    "target", "replace", "yes",
})  # fmt: skip
"""Options that mean nothing where no playbook runs."""


class HostCommand(click.Command):
    """A command that does one thing on hosts: it takes the shared options that say which hosts and how they are
    reached, and gets them as the argument `options`. An option of its own beats a shared one with the same letter."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        taken = {word for parameter in self.params for word in parameter.opts}
        shared = click.command()(run_options(lambda options: None)).params
        self._shared = [parameter for parameter in shared if parameter.name not in _OF_PLAYBOOKS]
        for parameter in self._shared:
            parameter.opts = [word for word in parameter.opts if word not in taken]
        self.params += self._shared

    def invoke(self, ctx: click.Context) -> Any:
        shared = {str(parameter.name): ctx.params.pop(str(parameter.name)) for parameter in self._shared}
        ctx.params["options"] = RunOptions(**shared, settings=settings_of(ctx))
        return super().invoke(ctx)


def ask_password(prompt: str) -> str:
    """A password from the terminal, unseen; from standard input where that is no terminal."""
    if sys.stdin.isatty():
        answer: str = click.prompt(prompt, hide_input=True, default="", show_default=False, err=True)
        return answer
    return sys.stdin.readline().rstrip("\n")
