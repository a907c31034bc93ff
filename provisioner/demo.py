"""The main job with nothing to configure: a host, the worked example applied to it, and the page it serves."""

from __future__ import annotations

import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import provisioner
from provisioner import app
from provisioner.diag import ProvisionError, UsageError
from provisioner.ui.sinks import Sink

if TYPE_CHECKING:
    from provisioner.lab.image import Report

Say = Callable[[str], None]
HOST_NAME = "demo"
_TIMEOUT = 15.0  # seconds for fetching the page at the end


@dataclass(frozen=True, slots=True)
class Place:
    """Where the example goes: an inventory with one host, and the address people reach it by."""

    host: str
    address: str
    inventory: str
    clean_up: str
    look_around: str


def playbook() -> Path:
    """The worked example that comes with provision."""
    for root in (Path.cwd(), Path(provisioner.__file__).resolve().parent.parent):
        found = root / "playbooks" / "site.yml"
        if found.is_file():
            return found
    raise UsageError("playbooks/site.yml is not here", hint="run `provision demo` inside a checkout of provision")


def lab_place(state_dir: Path, say: Say, report: Report | None) -> Place:
    """A fresh throw-away host on this machine (an existing one named `demo` is used as it is)."""
    from provisioner.lab import Lab  # noqa: PLC0415 - only who makes hosts here needs it

    lab = Lab(state_dir / "lab", report=report) if report else Lab(state_dir / "lab")
    reasons = lab.requirements()
    if reasons:
        raise UsageError("no throw-away host can be made on this machine: " + "; ".join(reasons),
                         hint="give a host of your own: provision demo root@203.0.113.7")
    say("Making a throw-away Debian host …")
    host = lab.up([HOST_NAME])[0]
    return Place(host.name, host.address, str(lab.inventory_file), f"provision lab down {host.name}",
                 f"provision lab ssh {host.name}")


def own_place(target: str, state_dir: Path) -> Place:
    """A host of the user's own, as `user@host` or `host`; ssh_config and known_hosts apply."""
    user, _, name = target.rpartition("@")
    if not name or name.startswith("-"):
        raise UsageError(f"`{target}` is not a host", hint="write it as user@host")
    folder = state_dir / "demo"
    folder.mkdir(parents=True, exist_ok=True)
    inventory = folder / "inventory.ini"
    inventory.write_text(f"{name}{f' ansible_user={user}' if user else ''}\n", encoding="utf-8")
    return Place(name, name, str(inventory), "remove /srv/<app>, its systemd unit and its nginx site on the host",
                 f"ssh {target}")


def run(target: str | None, state_dir: Path, cache_dir: Path, sinks: Sequence[Sink], say: Say,
        report: Report | None = None) -> int:
    """Apply the example and show its page. Gives the exit code of the apply, or 1 when no page came.

    say: tells the user a line. report: is told how far the building of a root filesystem is.
    """
    site = playbook()
    place = own_place(target, state_dir) if target else lab_place(state_dir, say, report)
    say(f"Applying {site} to {place.host} ({place.address}) …")
    request = app.Request((str(site),), (place.inventory,), limit=place.host, state_dir=state_dir,
                          cache_dir=cache_dir)
    code = app.apply(request, sinks)
    if code:
        return code
    url = f"http://{place.address}/"
    page = fetch(url)
    say(f"\nThe app answers at {url}\n\n$ curl {url}\n{page[:300].rstrip()}\n…")
    say(f"\nLook around:  {place.look_around}\nRun it again: provision apply -i {place.inventory} "
        f"-l {place.host} {site}\nClean up:     {place.clean_up}")
    return 0


def fetch(url: str) -> str:
    """The page, or an error that says what came instead."""
    try:
        with urllib.request.urlopen(url, timeout=_TIMEOUT) as response:  # noqa: S310 - http to the host just made
            body: bytes = response.read()
    except OSError as error:
        raise ProvisionError(f"{url} does not answer: {error}",
                             hint="is port 80 open in the host's firewall?") from None
    return body.decode("utf-8", "replace")
