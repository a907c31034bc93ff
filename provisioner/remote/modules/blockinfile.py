"""A block of lines between two markers in a file."""

from __future__ import annotations

import re
from typing import Any, Mapping, Optional

from provisioner.remote import textfile
from provisioner.remote.sdk import Ctx
from provisioner.remote.spec import Arg, Arguments, Spec
from provisioner.remote.textfile import TEXT_ARGS, TEXT_RETURNS, bare, compiled, line_end, split_lines

SPEC = Spec(
    name="blockinfile",
    summary="Keep a block of lines, fenced by marker lines, in a file",
    identity=("path", "marker"),
    args={
        **TEXT_ARGS,
        "state": Arg(default="present", choices=("present", "absent"), doc="Whether the block shall be there."),
        "block": Arg(
            default="", aliases=("content",), doc="The lines. An empty block is removed, as with `state: absent`."
        ),
        "marker": Arg(
            default="# {mark} ANSIBLE MANAGED BLOCK",
            doc="The marker lines; `{mark}` is replaced by `marker_begin` and `marker_end`. "
            "Two blocks in one file need two markers.",
        ),
        "marker_begin": Arg(default="BEGIN", doc="What `{mark}` is in the first marker."),
        "marker_end": Arg(default="END", doc="What `{mark}` is in the last marker."),
        "insertafter": Arg(
            doc="Where a new block goes: after the last line in which this is found, or `EOF` (the default)."
        ),
        "insertbefore": Arg(doc="Where a new block goes: before the last line in which this is found, or `BOF`."),
        "create": Arg("bool", default=False, doc="Make the file, and its directory, when it isn't there."),
        "append_newline": Arg("bool", default=False, doc="An empty line after the block."),
        "prepend_newline": Arg("bool", default=False, doc="An empty line before the block."),
    },
    mutually_exclusive=(("insertbefore", "insertafter"),),
    examples="""
- name: Names of our hosts
  blockinfile:
    path: /etc/hosts
    marker: "# {mark} shop"
    block: |
      10.0.0.5 db
      10.0.0.6 cache
- name: No more
  blockinfile:
    path: /etc/hosts
    marker: "# {mark} shop"
    state: absent
""",
    returns=TEXT_RETURNS,
)


def current(ctx: Ctx, a: Arguments) -> "dict[str, Any]":
    for name in ("marker", "marker_begin", "marker_end"):
        if "\n" in getattr(a, name) or "\0" in getattr(a, name):
            raise ctx.fail("`%s` must be one line" % name)
    if _markers(a)[0] == _markers(a)[1]:
        raise ctx.fail(
            "the two marker lines are the same: `marker` must hold `{mark}`, "
            "and `marker_begin` and `marker_end` must differ"
        )
    return textfile.read(ctx, a, create=a.create, needed=bool(_block(a)))


def wanted(ctx: Ctx, a: Arguments, current: "Mapping[str, Any]") -> "dict[str, Any]":
    if current["content"] is None and not _block(a):
        return dict(current)
    return textfile.wanted(ctx, a, current, edit(ctx, a, current["content"] or ""))


def apply(ctx: Ctx, a: Arguments, current: "Mapping[str, Any]", wanted: "Mapping[str, Any]") -> "dict[str, Any]":
    return textfile.apply(ctx, a, current, wanted)


def report(ctx: Ctx, a: Arguments, current: "Mapping[str, Any]", wanted: "Mapping[str, Any]") -> "dict[str, Any]":
    if current["content"] == wanted["content"]:
        message = ""
    elif current["content"] is None:
        message = "File created"
    else:
        message = "Block inserted" if _block(a) else "Block removed"
    return textfile.report(ctx, a, current, wanted, message)


diff = textfile.diff
predictions = textfile.predictions


def edit(ctx: Ctx, a: Arguments, text: str) -> str:
    """`text` with the block in its place, or without it."""
    lines, end, block = split_lines(text), line_end(text), _block(a)
    fenced = [line + end for line in block]
    first, last = _fence(a, lines)
    if first is not None and last is not None:
        at = first
        before, after = lines[:first], lines[last + 1 :]
    elif not fenced:
        return text
    else:
        at = _place(ctx, a, text, lines)
        before, after = lines[:at], lines[at:]
    if not fenced:
        return "".join(before + after)
    if before and not before[-1].endswith("\n"):
        before = [*before[:-1], before[-1] + end]
    if a.prepend_newline and before and bare(before[-1]):
        before = [*before, end]
    if a.append_newline and after and bare(after[0]):
        after = [end, *after]
    return "".join(before + fenced + after)


def _markers(a: Arguments) -> "tuple[str, str]":
    return a.marker.replace("{mark}", a.marker_begin), a.marker.replace("{mark}", a.marker_end)


def _block(a: Arguments) -> "list[str]":
    """The block with its markers, as bare lines; empty when it shall not be there."""
    if a.state == "absent" or not a.block:
        return []
    begin, end = _markers(a)
    return [begin, *(bare(line) for line in split_lines(a.block)), end]


def _fence(a: Arguments, lines: "list[str]") -> "tuple[Optional[int], Optional[int]]":
    """First and last line of the block that is there; of several the last. Markers may stand in the wrong order."""
    begin, end = _markers(a)
    places: "dict[str, int]" = {}
    for number, line in enumerate(lines):
        if bare(line) in (begin, end):
            places[bare(line)] = number
    if len(places) < 2:
        return None, None
    return min(places.values()), max(places.values())


def _place(ctx: Ctx, a: Arguments, text: str, lines: "list[str]") -> int:
    """The number of lines before a new block."""
    argument = "insertbefore" if a.insertbefore is not None else "insertafter"
    where = getattr(a, argument)
    if where in (None, "EOF"):
        return len(lines)
    if where == "BOF":
        return 0
    pattern = compiled(ctx, argument, where)
    if pattern.flags & re.MULTILINE:  # `(?m)` lets an expression span lines
        match = pattern.search(text)
        if match is None:
            return len(lines)
        return text.count("\n", 0, match.end()) + 1 if argument == "insertafter" else text.count("\n", 0, match.start())
    found = [number for number, line in enumerate(lines) if pattern.search(bare(line))]
    if not found:
        return len(lines)
    return found[-1] + 1 if argument == "insertafter" else found[-1]
