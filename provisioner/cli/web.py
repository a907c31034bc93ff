"""`provision web`."""

from __future__ import annotations

import ipaddress
import os
import secrets
import sys
import time
from contextlib import closing
from functools import partial
from pathlib import Path

import click

from provisioner.cli.places import state_dir
from provisioner.diag import UsageError
from provisioner.history import db as database
from provisioner.schedule.systemd import Scope
from provisioner.web.schedules import SchedulesPage, asked

_LEAST_TOKEN = 16
_NEEDS = "pip install 'provision[web]'"


@click.command()
@click.option("--listen", metavar="ADDRESS[:PORT]", default="127.0.0.1:8420", show_default=True,
              help="Where to listen; port 0 takes a free one.")  # fmt: skip
@click.option("--name", "names", metavar="HOST", multiple=True, help="A further name that browsers may call it by.")
@click.option("--export", "directory", metavar="DIR", type=click.Path(path_type=Path),
              help="Write the pages there as files instead, and end.")  # fmt: skip
@click.option("--runs", "most", type=click.IntRange(1), default=200, show_default=True, metavar="N",
              help="With --export: the last N runs.")  # fmt: skip
@click.option("--state-dir", "state", metavar="DIR", help="Where state is kept instead of the XDG place.")
def web(*, listen: str, names: tuple[str, ...], directory: Path | None, most: int, state: str | None) -> int:
    """Recorded runs, hosts, drift and deploys as pages on this machine; runs that go on are followed. Only who has the
    address with its token gets them. PROVISION_WEB_TOKEN gives a token to stay.

    \b
    provision web
    provision web --export public/
    """
    file = state_dir(state) / database.FILE
    schedules = partial(_schedules, state_dir(state))
    if directory is not None:
        return _export(file, directory, most, schedules())
    try:
        from werkzeug.serving import WSGIRequestHandler, make_server  # noqa: PLC0415
    except ModuleNotFoundError:
        raise UsageError("the pages need a library that is not installed", hint=_NEEDS) from None
    from provisioner.web.serving import Pages  # noqa: PLC0415

    class Quiet(WSGIRequestHandler):
        """Tells of no request: addresses hold the token."""

        def log(self, type: str, message: str, *args: object) -> None:
            """Nothing."""

        def version_string(self) -> str:
            return "provision"

    address, port = _address(listen)
    token = _token()
    bracketed = f"[{address}]" if ":" in address else address
    known = frozenset({bracketed, "localhost", "127.0.0.1", "[::1]", *(name.lower() for name in names)})
    database.connect(file).close()  # what is wrong with it is told now
    try:
        server = make_server(address, port, Pages(file, token, known, schedules), threaded=True,
                             request_handler=Quiet)  # fmt: skip
    except (OSError, SystemExit) as error:
        raise UsageError(f"--listen {listen}: {error}", hint="give another port, or 0 for a free one") from None
    shown = names[0] if names else bracketed
    click.echo(f"http://{shown}:{server.server_port}/?token={token}")
    sys.stdout.flush()
    with closing(server.socket):
        server.serve_forever()
    return 0


def _export(file: Path, directory: Path, most: int, schedules: SchedulesPage) -> int:
    from provisioner.history.queries import opened  # noqa: PLC0415
    from provisioner.web.export import export  # noqa: PLC0415

    with opened(file) as db:
        count = export(db, directory, time.time(), most, schedules)
    click.echo(f"{count} pages in {directory}: open {directory / 'index.html'}")
    return 0


def _schedules(state: Path) -> SchedulesPage:
    """Those that `provision schedule list` shows."""
    return asked(Scope.system() if os.geteuid() == 0 else Scope.own(), state)


def _address(text: str) -> tuple[str, int]:
    address, _, port = text.rpartition(":") if text.count(":") == 1 or "]:" in text else (text, "", "8420")
    bare = address.strip("[]")
    try:
        ipaddress.ip_address(bare)
    except ValueError:
        if bare != "localhost":
            raise UsageError(f"--listen {text}: no address", hint="as in 127.0.0.1:8420, or [::1]:8420") from None
    if not port.isdecimal() or int(port) > 65535:
        raise UsageError(f"--listen {text}: no port", hint="as in 127.0.0.1:8420")
    return bare, int(port)


def _token() -> str:
    given = os.environ.get("PROVISION_WEB_TOKEN", "")
    if given and len(given) < _LEAST_TOKEN:
        raise UsageError(f"PROVISION_WEB_TOKEN is shorter than {_LEAST_TOKEN} characters", hint="make one with "
                         "`openssl rand -hex 16`, or leave it out")  # fmt: skip
    return given or secrets.token_urlsafe(24)
