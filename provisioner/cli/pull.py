"""`provision pull`."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from contextlib import chdir
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import click

from provisioner.cli.called import program
from provisioner.cli.places import cache_dir
from provisioner.diag import UsageError, near
from provisioner.pulling import Source, bring_up_to_date, taken

COMMANDS: Final = ("apply", "drift", "plan")


@dataclass(frozen=True, slots=True)
class Pull:
    """What the command line of a pull asks for. words: of the command that is carried out in the checkout."""

    source: Source
    words: tuple[str, ...]
    host: str

    def typed(self) -> tuple[str, ...]:
        """As whole words that begin anywhere: for a timer."""
        source = self.source
        yes = {"--branch": source.branch, "--directory": source.directory, "--allowed-signers": source.signers,
               "--host": self.host}  # fmt: skip
        return ("pull", *(f"{name}={value}" for name, value in yes.items() if value),
                *(["--verify-commit"] if source.verify else []), source.url, *self.words)  # fmt: skip

    def local(self) -> tuple[str, ...]:
        """The command's words for this host alone, without a network. In the checkout."""
        given = {word.partition("=")[0] for word in self.words}
        name = self.host or os.uname().nodename
        inventory = () if {"-i", "--inventory"} & given or Path("inventories").is_dir() else ("-i", f"{name},")
        limit = () if inventory or {"-l", "--limit"} & given else ("--limit", name)
        return (*self.words, "-c", "local", *inventory, *limit)


@click.command(context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.argument("url")
@click.argument("words", nargs=-1, required=True, metavar="COMMAND PLAYBOOK... [OPTIONS]", type=click.UNPROCESSED)
@click.option("--branch", default="", metavar="NAME", help="A branch or tag. Default: the repository's own.")
@click.option("--directory", metavar="DIR", help="Where the checkout is. Default: in the cache directory.")
@click.option("--verify-commit", is_flag=True, help="Run only commits whose signature is good, and never older ones.")
@click.option("--allowed-signers", metavar="FILE", help="Whose, by SSH keys (see ssh-keygen); else GnuPG's.")
@click.option("--host", default="", metavar="NAME", help="What the inventory calls this host. Default: its name.")
def pull(**given: Any) -> None:
    """Fetch a git repository and carry out COMMAND (apply, drift or plan) with its playbooks on this host itself: no
    controller, no SSH. Options of `pull` stand before URL.

    \b
    provision pull https://git.example.com/site.git apply site.yml
    provision schedule add "every 15 min" pull ssh://git@example.com/site.git drift site.yml
    """  # fmt: skip
    wanted = pull_of(given)
    with taken(wanted.source.directory, wait=False) as lock:
        commit = bring_up_to_date(wanted.source)
        click.echo(f"{wanted.source.url}: commit {commit[:12]}", err=True)
        os.chdir(wanted.source.directory)
        os.set_inheritable(lock, True)  # held until the command has ended
        start = [*program(), *wanted.local()]
        os.execvp(start[0], start)  # noqa: S606 - our own program


def pull_of(given: Mapping[str, Any]) -> Pull:
    """From the parameters of the command. Raises `UsageError`."""
    words: Sequence[str] = given["words"]
    if words[0] not in COMMANDS:
        raise UsageError(f"`provision {words[0]}` is nothing to do in a checkout",
                         hint=near(words[0], COMMANDS) or "apply, drift or plan")  # fmt: skip
    signers = Path(given["allowed_signers"]).absolute() if given["allowed_signers"] else None
    if signers is not None and not signers.is_file():
        raise UsageError(f"--allowed-signers: there is no file {given['allowed_signers']}")
    if signers is not None and not given["verify_commit"]:
        raise UsageError("--allowed-signers says whose signatures count", hint="say --verify-commit, too")
    own = cache_dir() / "pull" / hashlib.sha256(given["url"].encode()).hexdigest()[:12]
    directory = Path(given["directory"]).absolute() if given["directory"] else own
    source = Source(given["url"], directory, given["branch"], given["verify_commit"], signers)
    source.check()
    return Pull(source, tuple(words), given["host"])


def looked_at(context: click.Context, words: Sequence[str]) -> Pull:
    """A pull that is to be scheduled, fetched now: what would fail each night fails here."""
    wanted = pull_of(pull.make_context("pull", list(words), parent=context.find_root()).params)
    with taken(wanted.source.directory, wait=True):
        bring_up_to_date(wanted.source)
    return wanted


def in_checkout(wanted: Pull) -> chdir[Path]:
    return chdir(wanted.source.directory)
