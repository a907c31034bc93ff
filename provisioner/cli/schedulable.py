"""The command of a schedule, looked at when the schedule is made: what would fail each night should fail now."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from provisioner.cli.apply import apply, plan, request_of
from provisioner.cli.configured import configure
from provisioner.cli.drift import channels, drift
from provisioner.cli.listing import listing
from provisioner.cli.options import RunOptions, options_in
from provisioner.cli.pull import in_checkout, looked_at
from provisioner.cli.savedplan import is_saved_plan
from provisioner.diag import UsageError, near
from provisioner.drift.ignore import read_rules
from provisioner.ui.reports import writable

_COMMANDS: Mapping[str, click.Command] = {"drift": drift, "plan": plan, "apply": apply}
_OUTPUTS = ("prometheus", "junit", "html", "saved")


@dataclass(frozen=True, slots=True)
class Command:
    """writes: the directories of the files that it writes. words: the command as a timer runs it."""

    name: str
    words: tuple[str, ...]
    options: RunOptions
    writes: tuple[str, ...]


def command_of(parent: click.Context, words: Sequence[str]) -> Command:
    """Raises what the command itself would: for options there are not, for files there are not, for each mistake in
    the playbooks. What needs somebody at the keyboard is refused."""
    name = words[0]
    if name == "pull":
        pull = looked_at(parent, words[1:])
        with in_checkout(pull):
            configure(parent.find_root())
            inner = command_of(parent, pull.local())
        return replace(inner, words=pull.typed(), writes=(*inner.writes, str(pull.source.directory.parent)))
    command = _COMMANDS.get(name)
    if command is None:
        raise UsageError(f"`provision {name}` can't be scheduled",
                         hint=near(name, _COMMANDS) or "drift, plan, apply or pull")  # fmt: skip
    context = command.make_context(name, list(words[1:]), parent=parent.find_root())
    options = options_in(context.params, context)
    for wrong in _wrong(name, options, context):
        raise wrong
    request = request_of(options, plan=name != "apply")
    listing(request, replace(options, syntax_check=True))
    if name == "drift":
        list(channels(options.settings, context.params["webhook"], context.params["email"]))
        for playbook in options.playbooks:
            read_rules(playbook)
    return Command(name, tuple(words), options, tuple(_writes(context.params, options)))


def _wrong(name: str, options: RunOptions, context: click.Context) -> Iterator[UsageError]:
    asking = {"-k": options.ask_pass, "-K": options.ask_become_pass, "-J": options.ask_vault_password,
              "--step": options.step,
              "--vault-id": any(each.rpartition("@")[2].startswith("prompt") for each in options.vault_id)}  # fmt: skip
    for option, given in asking.items():
        if given:
            yield UsageError(f"{option} asks, and nobody is there to answer when a timer runs it",
                             hint="keys and password files need nobody")  # fmt: skip
    if options.only_lists:
        yield UsageError("a schedule that only lists does nothing")
    if name == "apply" and not options.yes:
        yield UsageError("an apply on a schedule changes hosts with nobody looking", hint="say --yes behind it")
    if name == "apply" and any(map(is_saved_plan, options.playbooks)):
        yield UsageError("a saved plan is carried out once")
    if name == "drift" and context.params["fix"]:
        yield UsageError("`drift --fix` is for somebody who looks at what it shows",
                         hint="schedule the check, or an apply")  # fmt: skip
    if name == "drift" and not options.history:
        yield UsageError("`provision drift` compares with the recorded runs: it can't do without the history")
    if name == "drift" and context.get_parameter_source("webhook") is ParameterSource.COMMANDLINE:
        yield UsageError("everybody on this machine could read the webhook's address",
                         hint="set PROVISION_DRIFT_WEBHOOK instead: it is kept in a file of mode 0600")  # fmt: skip


def _writes(given: Mapping[str, Any], options: RunOptions) -> Iterator[str]:
    yield from (str(writable(Path(given[name])).absolute().parent) for name in _OUTPUTS if given.get(name))
    if options.accept_new_host_keys:
        yield str(Path.home() / ".ssh")
    if options.settings.fact_caching_connection:
        yield str(Path(options.settings.fact_caching_connection).absolute())
