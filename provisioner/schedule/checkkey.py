"""What makes a key one that may only check: the runner as one file for hosts, and the play that installs both there."""

from __future__ import annotations

import io
import json
import re
import shlex
import zipfile
from pathlib import Path
from typing import Any, Final

from provisioner.diag import Span, UsageError
from provisioner.lang.model import Become, Play, Playbook, Task
from provisioner.remote.checkonly import COMMAND, FILE, MANIFEST
from provisioner.transport.bundle import Bundle, read_sources

_KEY: Final = re.compile(r"((?:ssh|ecdsa|sk)-[a-z0-9@.-]+) ([A-Za-z0-9+/=]+)(?: .*)?")
_COMMENT: Final = "provision-check-only"
_START: Final = b"from provisioner.remote.checkonly import main\nmain()\n"


def public_of(key: Path) -> tuple[str, str]:
    """Kind and base64 of the public half, which lies beside the private one."""
    file = key.with_name(f"{key.name}.pub")
    try:
        found = _KEY.fullmatch(file.read_text().strip())
    except OSError:
        raise UsageError(f"there is no public key {file}",
                         hint=f"ssh-keygen -y -f {shlex.quote(str(key))} > {shlex.quote(str(file))}") from None
    if found is None:
        raise UsageError(f"{file} is no public key")
    return found[1], found[2]


def archive(bundle: Bundle) -> bytes:
    """The runner as a file that Python can run, always the same for the same sources. It names the core that it stands
    for: a controller of another version is told so."""
    sources, packages = read_sources()
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as file:
        for name, source in sorted(sources.items()):
            path = name.replace(".", "/")
            _put(file, f"{path}/__init__.py" if name in packages else f"{path}.py", source.encode())
        _put(file, "__main__.py", _START)
        _put(file, MANIFEST, json.dumps({"core": bundle.core.sha256, "modules": dict(bundle.core.modules)}).encode())
    return made.getvalue()


def _put(file: zipfile.ZipFile, name: str, content: bytes) -> None:
    file.writestr(zipfile.ZipInfo(name), content)  # of 1980


def playbook(runner: Path, kind: str, blob: str) -> Playbook:
    """runner: the file that `archive` made."""
    line = f'command="{shlex.join(COMMAND)}",restrict {kind} {blob} {_COMMENT}'
    root, own = Become(enabled=True), Become(enabled=False)
    keys = "~/.ssh/authorized_keys"
    folder = str(Path(FILE).parent)
    tasks = (
        _task("The folder of the check-only runner", root, "file", path=folder, state="directory", owner="root",
              group="root", mode="0755"),
        _task("The check-only runner", root, "copy", src=str(runner), dest=FILE, owner="root", group="root",
              mode="0644"),
        _task("The folder of the user's keys", own, "file", path="~/.ssh", state="directory", mode="0700"),
        # sshd takes the first line of a key: one without our command would let it do anything.
        _task("No other line with this key", own, "lineinfile", path=keys, state="absent",
              regexp=f"^(?!{re.escape(line)}$).*{re.escape(blob)}"),
        _task("The key that may only check", own, "lineinfile", path=keys, line=line, create=True, mode="0600"),
    )  # fmt: skip
    place = Span("schedule key", 1)
    return Playbook((Play("all", place, "Check-only key", gather_facts=False, tasks=tasks),), "schedule key")


def _task(name: str, become: Become, module: str, **args: Any) -> Task:
    return Task(module, args, Span("schedule key", 1), name, become=become)
