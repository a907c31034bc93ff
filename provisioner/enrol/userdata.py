"""What a machine is told at its first boot: who may log in, and nothing that is not needed for the first connection.

cloud-init reads it. All that makes the machine what it shall be is done afterwards, over SSH, where it can be seen.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from email import message_from_string
from email.message import Message
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from typing import Any, Final

from provisioner.cloud.model import HostSettings
from provisioner.diag import ProvisionError
from provisioner.enrol.throwaway import ThrowAway

ROOT: Final = "root"
KEY: Final = "/etc/ssh/provision_host_ed25519_key"
SSHD: Final = "/etc/ssh/sshd_config.d/10-provision.conf"
OWN: Final = (KEY, f"{KEY}.pub", f"{KEY}-cert.pub", SSHD)
"""A host's own key, as enrolment makes it."""
MERGE: Final = "dict(no_replace,recurse_list)+list(append)+str()"
"""Of two cloud-configs: what the first one says stays, lists are joined."""
KINDS: Final[Mapping[str, str]] = {
    "#!": "x-shellscript",
    "#cloud-config-archive": "cloud-config-archive",
    "#cloud-config-jsonp": "cloud-config-jsonp",
    "#cloud-config": "cloud-config",
    "#cloud-boothook": "cloud-boothook",
    "#include-once": "x-include-once-url",
    "#include": "x-include-url",
    "#part-handler": "part-handler",
    "## template: jinja": "jinja2",
}
"""How a part begins -> its MIME type under `text/`. The first that fits counts."""


class UserDataError(ProvisionError):
    """The user's own user data cannot be used."""


def user_data(settings: HostSettings, throw_away: ThrowAway | None = None) -> str:
    """The user data of a machine. With a throw-away key in it, it is a secret for as long as that key is believed.

    The same for the same settings and key, so that a create can be repeated. Raises `UserDataError`.
    """
    ours = "#cloud-config\n" + json.dumps(config(settings, throw_away), indent=1, ensure_ascii=False) + "\n"
    if not settings.own_data.strip():
        return ours
    parts = [_part(ours), *_parts(settings.own_data)]
    boundary = "=" * 5 + hashlib.sha256("".join(map(str, parts)).encode()).hexdigest()[:32]
    whole = MIMEMultipart(boundary=boundary)
    for part in parts:
        whole.attach(part)
    return whole.as_string()


def config(settings: HostSettings, throw_away: ThrowAway | None = None) -> Mapping[str, Any]:
    """Our part, as cloud-init's modules have it."""
    admin = {
        "name": settings.user,
        "lock_passwd": True,
        "ssh_authorized_keys": list(settings.keys),
    }
    if settings.user != ROOT:
        admin |= {"shell": "/bin/bash", "sudo": "ALL=(ALL) NOPASSWD:ALL"}
    wanted: dict[str, Any] = {
        "users": [admin],  # without `default`: no further account
        "disable_root": settings.user != ROOT,
        "ssh_pwauth": False,
        # Keys that came with the image are in the hands of everybody who has the image.
        "ssh_deletekeys": True,
    }
    # An image that was made from an enrolled host has its key; bootcmd comes before the host's keys are made.
    wanted["bootcmd"] = [["cloud-init-per", "instance", "provision-host-key", "rm", "-f", *OWN]]
    if throw_away is None:
        return wanted | {"ssh_genkeytypes": ["ed25519"]}
    keys = {"ed25519_private": throw_away.private.reveal(), "ed25519_public": throw_away.expected.public + "\n"}
    return wanted | {"ssh_genkeytypes": [], "ssh_keys": keys}


def check_size(data: str, limit: int, machine: str) -> None:
    """Raise `UserDataError` if the provider would refuse it. limit: bytes."""
    size = len(data.encode())
    if size > limit:
        raise UserDataError(f"The user data of {machine} has {size} bytes; the provider takes {limit}",
                            hint="shorten `user_data`, or let tasks do over SSH what it does")


def _parts(own: str) -> Sequence[Message]:
    """The user's own user data, in parts that can stand beside ours."""
    start = own.lstrip()
    if start.lower().startswith(("content-type:", "mime-version:")):
        found = message_from_string(start)
        inner = found.get_payload() if found.is_multipart() else [found]
        return [part for part in inner if isinstance(part, Message)]
    return [_part(start)]


def _part(text: str) -> Message:
    first = text.split("\n", 1)[0].strip().lower()
    kind = next((kind for mark, kind in KINDS.items() if first.startswith(mark)), None)
    if kind is None:
        raise UserDataError(f"`user_data` begins with {first[:40]!r}, which cloud-init does not understand",
                            hint="begin it with `#cloud-config`, with `#!` for a script, or with a MIME header")
    part = MIMEText(text, kind, "us-ascii" if text.isascii() else "utf-8")
    if kind in ("cloud-config", "jinja2"):
        part["Merge-Type"] = MERGE
    return part
