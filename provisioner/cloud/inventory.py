"""Machines as an inventory, from the providers' tags: `plugin: machines`, for commands without their playbook."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from provisioner import durable
from provisioner.cloud.model import Found, Place, digest
from provisioner.cloud.provider import Provider
from provisioner.cloud.providers import PROVIDERS, open_provider
from provisioner.diag import UsageError
from provisioner.remote.spec import Arg, Spec

FRESH_FOR: Final = 60.0  # seconds; a command after the other asks the providers once

_PLACE: Final = {
    "provider": Arg(required=True, choices=tuple(PROVIDERS), doc="Who has them"),
    "region": Arg(default="", doc="Where"),
    "profile": Arg(default="", doc="Named credentials"),
    "account": Arg(default="", doc="The account that the credentials must belong to"),
    "endpoint": Arg(default="", doc="Another address of the API"),
}

SPEC: Final = Spec(
    name="plugin: machines",
    summary="Hosts from the tags of machines",
    args={
        "plugin": Arg(required=True),
        "site": Arg(required=True, doc="Whose machines"),
        "places": Arg(type="list", elements="dict", options=_PLACE, required=True, doc="Where to look"),
        "cache": Arg(type="float", default=FRESH_FOR, doc="Seconds an answer is used again"),
    },
)


def cloud_inventory(options: Mapping[str, Any], state_dir: Path | None,
                    opened: Callable[[Place], Provider] = open_provider,
                    now: Callable[[], float] = time.time,
                    tell: Callable[[str], None] = lambda text: None) -> dict[str, Any]:
    """The running machines of a site in the shape of a YAML inventory, with all that a strict connection needs.

    options: the plugin's file as data. state_dir: the product's; None: nothing is kept. tell: hears of machines whose
    keys were never verified from here: connections to them are refused. Raises `UsageError` for wrong
    options, `CloudError` if a place doesn't answer.
    """
    problems = SPEC.problems(options)
    if problems:
        raise UsageError(problems[0].message, hint=problems[0].hint)
    bound = SPEC.bind(options)
    folder = (state_dir or Path()) / "cloud" / bound.site
    file = folder / f"inventory-{digest(dict(options))}.json" if state_dir else None
    kept = _kept(file, now() - bound.cache) if file else None
    if kept is None:
        kept = [_entry(each) for place in bound.places for each in opened(Place(**place)).found(bound.site)
                if each.ref.kind == "machine" and each.status == "running" and each.address]
        if file is not None:
            durable.write(file, json.dumps(kept).encode())
    known_hosts = folder / "known_hosts"
    lines = known_hosts.read_text() if state_dir and known_hosts.exists() else None
    strange = sorted(each["name"] for each in kept if each["id"] not in (lines or ""))
    if strange:
        tell(f"the host keys of {', '.join(strange)} were never verified from here")
    return _inventory(kept, None if lines is None else known_hosts)


def _entry(found: Found) -> dict[str, Any]:
    groups = str(found.fields.get("groups") or "")
    return {"name": found.ref.name, "id": found.id, "address": found.address, "private": found.private_address,
            "user": found.fields.get("user") or "root", "groups": groups.split(",") if groups else [],
            "place": str(found.place)}


def _inventory(machines: list[dict[str, Any]], known_hosts: Path | None) -> dict[str, Any]:
    file = {} if known_hosts is None else {"ansible_ssh_known_hosts_file": str(known_hosts)}
    hosts = {each["name"]: {
        "ansible_host": each["address"], "ansible_user": each["user"], "ansible_ssh_host_key_alias": each["id"],
        "machine_id": each["id"], "machine_private_address": each["private"], "machine_place": each["place"], **file,
    } for each in sorted(machines, key=lambda each: str(each["name"]))}
    groups: dict[str, dict[str, None]] = {}
    for each in machines:
        for group in each["groups"]:
            groups.setdefault(group, {})[each["name"]] = None
    children = {group: {"hosts": dict(sorted(members.items()))} for group, members in sorted(groups.items())}
    return {"all": {"hosts": hosts, "children": children}}


def _kept(file: Path, since: float) -> list[dict[str, Any]] | None:
    try:
        if file.stat().st_mtime < since:
            return None
        kept = json.loads(file.read_text())
    except (OSError, ValueError):
        return None
    return kept if isinstance(kept, list) else None

