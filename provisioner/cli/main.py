"""The program `provision`: its commands, and the one place where errors become messages and exit codes.

Only what every call needs is imported here. A subcommand's module, and with it YAML, templates and SSH, is
imported when it runs: `provision --help` answers in the time that Python takes to start.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
from collections.abc import Sequence

import click

from provisioner import __version__
from provisioner.cli.lazy import Entry, LazyGroup

USAGE, INTERRUPTED, BUG = 5, 99, 250
PIPE_CLOSED = 1
"""Click's own number for it."""

SECTIONS = {
    "Make it true": {
        "apply": Entry("provisioner.cli.apply:apply", "Run playbooks: make hosts and apps what they say."),
        "plan": Entry("provisioner.cli.apply:plan", "Show what apply would change, with diffs. Changes nothing."),
        "destroy": Entry("provisioner.cli.destroy:destroy", "Delete the machines that playbooks declare."),
        "drift": Entry("provisioner.cli.drift:drift", "Find what differs from the playbooks, and since when."),
        "schedule": Entry("provisioner.cli.schedule:schedule", "Run such checks again and again, by systemd's timers."),
        "pull": Entry("provisioner.cli.pull:pull", "Do so on this host itself, with playbooks of a git repository."),
        "demo": Entry("provisioner.cli.demo:demo", "Deploy an example Next.js app to a throw-away host."),
    },
    "Deployed apps": {
        "app": Entry("provisioner.cli.app_command:app", "Next.js apps: status, releases, rollback, logs, variables."),
    },
    "What was done": {
        "history": Entry("provisioner.cli.history:history", "Recorded runs: who changed what, where and when."),
        "web": Entry("provisioner.cli.web:web", "Runs, hosts, drift and deploys as pages in a browser."),
        "report": Entry("provisioner.cli.history:report", "A recorded run as a page, as JUnit or as JSON lines."),
    },
    "Hosts": {
        "inventory": Entry("provisioner.cli.inventory:inventory", "Show hosts, groups and their variables."),
        "cloud": Entry("provisioner.cli.cloud:cloud", "Machines as the providers have them; what nobody declares."),
        "lab": Entry("provisioner.cli.lab:lab", "Throw-away systemd hosts on this machine."),
    },
    "Help while writing": {
        "vault": Entry("provisioner.cli.vault:vault", "Encrypt, view and edit secrets, as ansible-vault does."),
        "doc": Entry("provisioner.cli.doc:doc", "Show what a module does and takes."),
        "settings": Entry("provisioner.cli.settings:settings", "Show what files and the environment set, and where."),
    },
}

CONFIGURED = frozenset({"apply", "plan", "drift", "schedule", "app", "inventory", "vault", "settings"})
"""Commands whose options have defaults in files and the environment."""


@click.group(cls=LazyGroup, sections=SECTIONS, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message="provision %(version)s")
@click.pass_context
def cli(context: click.Context) -> None:
    """Configure hosts over SSH in Ansible's language, and deploy Next.js apps to them."""
    if context.invoked_subcommand in CONFIGURED:
        from provisioner.cli.configured import configure  # noqa: PLC0415

        configure(context)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program with `arguments` (the command line's by default); gives the exit code."""
    # Importing makes many objects and no garbage: with Python's own thresholds, looking for it costs 100 ms.
    gc.set_threshold(50_000, 20, 20)
    try:
        _use_any_encoding()
        code = _run(list(sys.argv[1:] if arguments is None else arguments))
        if code == INTERRUPTED:
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # one more Ctrl-C while Python ends must not change the code
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader has gone; Python's own flush at exit must not fail on it once more.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return PIPE_CLOSED
    return code


def _run(arguments: list[str]) -> int:
    try:
        result = cli.main(arguments, prog_name="provision", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return USAGE
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        return INTERRUPTED
    except BrokenPipeError:
        raise
    except Exception as error:  # told below: as the user's mistake, or as a bug with its traceback in a file
        return _report(error)
    return result if isinstance(result, int) else 0


def _report(error: Exception) -> int:
    from provisioner.diag import PlayError, ProvisionError  # noqa: PLC0415
    from provisioner.ui.codeframe import codeframes, read_file_line  # noqa: PLC0415

    if isinstance(error, PlayError):
        from provisioner.ui.lines import play_error  # noqa: PLC0415

        click.echo("\n".join(play_error(error)), err=True)
        return error.exit_code
    if isinstance(error, ProvisionError):
        click.echo(codeframes(error.diagnostics(), read_file_line), err=True)
        return error.exit_code
    from provisioner.cli.crash import keep_traceback  # noqa: PLC0415

    for line in keep_traceback(error):
        click.echo(line, err=True)
    return BUG


def _use_any_encoding() -> None:
    """A character that the terminal's encoding lacks is shown as an escape instead of ending the program."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


if __name__ == "__main__":
    sys.exit(main())
