"""Kernel settings: in a file that is read at boot, and in the running kernel."""

from __future__ import annotations

import re
from typing import Any, Mapping, Optional

from provisioner.remote.sdk import Ctx
from provisioner.remote.spec import Arg, Arguments, Spec

SPEC = Spec(
    name="sysctl",
    summary="Keep a kernel setting",
    identity=("name", "sysctl_file"),
    args={
        "name": Arg(required=True, aliases=("key",), doc="The setting, like net.ipv4.ip_forward"),
        "value": Arg(aliases=("val",), doc="Its value"),
        "state": Arg(default="present", choices=("present", "absent"), doc="Whether it shall be in the file"),
        "sysctl_file": Arg(type="path", default="/etc/sysctl.conf", doc="The file, usually one in /etc/sysctl.d"),
        "sysctl_set": Arg(type="bool", default=False, doc="Set it in the running kernel too and see that it stays so"),
        "reload": Arg(type="bool", default=True, doc="Load the whole file when it has changed"),
        "ignoreerrors": Arg(type="bool", default=False, doc="Go on when the kernel doesn't know the setting"),
    },
    required_if=(("state", "present", ("value",)),),
    examples="""
- name: More connections may wait
  sysctl:
    name: net.core.somaxconn
    value: "1024"
    sysctl_file: /etc/sysctl.d/60-web.conf
    sysctl_set: true
""",
)

_NAME = re.compile(r"[A-Za-z0-9_*][A-Za-z0-9_.@:/*-]*")
_SWITCHES = {"true": "1", "yes": "1", "on": "1", "false": "0", "no": "0", "off": "0"}
_LINE = re.compile(r"^\s*-?\s*([^#;=\s][^=]*?)\s*=\s*(.*?)\s*$")


def current(ctx: Ctx, a: Arguments) -> "dict[str, Any]":
    _check_arguments(ctx, a)
    state: "dict[str, Any]" = {"file": _find(ctx.read_text(a.sysctl_file) or "", a.name)}
    if a.sysctl_set and a.state == "present":
        state["kernel"] = _live(ctx, a)
    return state


def wanted(ctx: Ctx, a: Arguments, current: "Mapping[str, Any]") -> "dict[str, Any]":
    if a.state == "absent":
        return {"file": None}
    value = _value(a)
    goal: "dict[str, Any]" = {"file": current["file"] if _same(current["file"], value) else value}
    if a.sysctl_set:
        goal["kernel"] = (
            current["kernel"]
            if _same(current["kernel"], value) or (a.ignoreerrors and current["kernel"] is None)
            else value
        )
    return goal


def apply(ctx: Ctx, a: Arguments, current: "Mapping[str, Any]", wanted: "Mapping[str, Any]") -> None:
    # The kernel comes first: a value that it refuses must not get into the file that is read at boot.
    if wanted.get("kernel") != current.get("kernel"):
        _run(ctx, a, ["sysctl", "-w", "%s=%s" % (a.name, wanted["kernel"])])
    if wanted["file"] != current["file"]:
        text = ctx.read_text(a.sysctl_file) or ""
        ctx.write(a.sysctl_file, _changed(text, a.name, wanted["file"]).encode("utf-8", "surrogateescape"))
        if a.reload:
            _run(ctx, a, ["sysctl", *(["-e"] if a.ignoreerrors else []), "-p", a.sysctl_file])


def predictions(
    ctx: Ctx, a: Arguments, current: "Mapping[str, Any]", wanted: "Mapping[str, Any]"
) -> "list[tuple[str, str, Mapping[str, Any]]]":
    return [("path", a.sysctl_file, {"kind": "file"})]


def _check_arguments(ctx: Ctx, a: Arguments) -> None:
    if not _NAME.fullmatch(a.name) or ".." in a.name:
        raise ctx.fail("%r is not the name of a kernel setting" % a.name)
    if a.value is not None and any(sign in a.value for sign in "\n\r\0"):
        raise ctx.fail("`value` can't hold a line break: it would become a line of its own in the file")
    if a.state == "present" and not a.value.strip():
        raise ctx.fail("value cannot be blank")


def _value(a: Arguments) -> str:
    """The value as the kernel has it; YAML's yes and no mean 1 and 0."""
    text = str(a.value).strip()
    return _SWITCHES.get(text.lower(), text)


def _same(one: Optional[str], other: Optional[str]) -> bool:
    return one is not None and other is not None and one.split() == other.split()


def _live(ctx: Ctx, a: Arguments) -> Optional[str]:
    dotted = a.name if "/" not in a.name.partition(".")[0] else a.name.translate(str.maketrans("/.", "./"))
    path = "/proc/sys/" + dotted.translate(str.maketrans("./", "/."))
    text = ctx.read_text(path, limit=1 << 16)  # the kernel makes room for as much as is asked for
    if text is None and not a.ignoreerrors:
        raise ctx.fail("this kernel has no setting `%s`; `ignoreerrors: true` writes it to the file anyway" % a.name)
    return None if text is None else " ".join(text.split())


def _find(text: str, name: str) -> Optional[str]:
    """The value in the file; the last line wins, as it does for the kernel."""
    found = None
    for line in text.splitlines():
        match = _LINE.match(line)
        if match and match.group(1) == name:
            found = match.group(2)
    return found


def _changed(text: str, name: str, value: Optional[str]) -> str:
    """The text with one line for the setting, where the first one was, or without any."""
    lines: "list[str]" = []
    placed = value is None
    for line in text.splitlines():
        match = _LINE.match(line)
        if not (match and match.group(1) == name):
            lines.append(line)
        elif not placed:
            lines.append("%s=%s" % (name, value))
            placed = True
    if not placed:
        lines.append("%s=%s" % (name, value))
    return "".join(line + "\n" for line in lines)


def _run(ctx: Ctx, a: Arguments, argv: "list[str]") -> None:
    done = ctx.run(argv)
    if done.rc and not a.ignoreerrors:
        raise ctx.fail("%s failed: %s" % (" ".join(argv[:2]), done.stderr.strip()), rc=done.rc, stderr=done.stderr)
