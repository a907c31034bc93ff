"""`provision app logs` and `exec`: what hosts write, as it comes."""

from __future__ import annotations

import re
import sys
from functools import partial

import click

from provisioner.cli.app_run import on_hosts, paint_of
from provisioner.cli.options import HostCommand, RunOptions
from provisioner.diag import Interrupted, UsageError
from provisioner.nextjs.day2.commands import execute, read_logs
from provisioner.ui.escape import visible, visible_lines
from provisioner.ui.merging import Entry, Merge, lines, parse
from provisioner.ui.terminal import Terminal, write
from provisioner.values import HostName

ALL_HOSTS = 10_000  # `logs --follow` keeps every host busy for as long as it runs
_SHORT = re.compile(r"\d+ ?(s|sec|m|min|h|d|w)")


@click.command(cls=HostCommand, short_help="What the app writes, on all hosts.")
@click.argument("app", required=False)
@click.option("-f", "--follow", is_flag=True, help="Go on with what is written from now on, until Ctrl-C.")
@click.option("-n", "--lines", "count", type=click.IntRange(0), default=100, show_default=True, metavar="N",
              help="The last N lines of each host.")  # fmt: skip
@click.option("--since", metavar="TIME", help="From then on: 10m, 2h, 'yesterday', '2026-11-22 19:00'.")
@click.option("--grep", metavar="PATTERN", help="Only lines that match this regular expression.")
def logs(options: RunOptions, *, app: str | None, follow: bool, count: int, since: str | None, grep: str | None) -> int:
    """What the app has written, of all hosts by time (UTC), whatever slot it ran in.

    \b
    provision app logs shop -f
    provision app logs shop --since 10m --grep 'error|warn' -n 1000
    """
    paint = paint_of(Terminal.of(sys.stdout))
    hosts: list[str] = []

    def show(entry: Entry) -> None:
        if entry.host not in hosts:
            hosts.append(entry.host)
        write(sys.stdout, "\n".join(lines(entry, hosts, paint)) + "\n")

    def take(host: HostName, stream: str, text: str) -> None:
        if stream == "stdout":
            merge.add(parse(visible(host), text))

    merge = Merge(show, live=follow)
    since = f"-{since.replace(' ', '')}" if since and _SHORT.fullmatch(since) else since
    work = partial(read_logs, name=app, lines=count, since=since, grep=grep, follow=follow)
    try:
        return on_hosts(options, "reads the journal", work, forks=ALL_HOSTS if follow else None, patient=not follow,
                        on_output=take).code  # fmt: skip
    except Interrupted:
        if not follow:
            raise
        return 0  # the usual end of it
    finally:
        merge.close()


class _ExecCommand(HostCommand):
    """Takes what stands behind `--` as it is: options there are those of the command."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        at = args.index("--") if "--" in args else len(args)
        ctx.meta[__name__] = args[at + 1 :]
        return super().parse_args(ctx, args[:at])


@click.command("exec", cls=_ExecCommand, short_help="Run a command in the app's surroundings.",
               options_metavar="[OPTIONS] [APP] -- COMMAND...")  # fmt: skip
@click.argument("app", required=False, metavar="")
@click.option("--host", metavar="HOST", help="On this host, or on `all`. Default: the first that has the app.")
@click.pass_context
def exec_(context: click.Context, options: RunOptions, *, app: str | None, host: str | None) -> int:
    """Run a command as the app's user in the release that runs, with the app's variables, and its Node.js and
    node_modules/.bin in PATH. Its exit code is the command's; of several hosts the highest.

    \b
    provision app exec shop -- npx prisma migrate deploy
    provision app exec shop --host all -- node --version
    """
    argv = list(context.meta[__name__])
    if not argv:
        raise UsageError("which command? It stands behind `--`", hint="as in: provision app exec -- node --version")
    several = host == "all"

    def take(name: HostName, stream: str, text: str) -> None:
        to = sys.stderr if stream == "stderr" else sys.stdout
        prefix = f"{visible(name)} | " if several else ""
        write(to, "".join(f"{prefix}{line}\n" for line in visible_lines(text)))

    asked = on_hosts(options, "runs a command", partial(execute, name=app, argv=argv, host=host), on_output=take)
    codes = [int(result["rc"]) for result in asked.results.values() if "rc" in result]
    # Hosts that were not asked to run it don't count, even if they could not be reached.
    return (max(codes) or (asked.code if several else 0)) if codes else asked.code
