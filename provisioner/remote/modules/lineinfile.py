"""One line of a file: present, changed or gone."""

from __future__ import annotations

from typing import Any, Mapping, NamedTuple, Optional

from provisioner.remote import textfile
from provisioner.remote.sdk import Ctx
from provisioner.remote.spec import Arg, Arguments, Spec
from provisioner.remote.textfile import TEXT_ARGS, TEXT_RETURNS, bare, compiled, line_end, split_lines

SPEC = Spec(
    name="lineinfile",
    summary="Make sure that a line is in a file, or isn't",
    identity=("path", "regexp", "search_string", "line"),
    args={
        **TEXT_ARGS,
        "state": Arg(default="present", choices=("present", "absent"), doc="Whether the line shall be there."),
        "line": Arg(aliases=("value",), doc="The line, without its end."),
        "regexp": Arg(
            aliases=("regex",),
            doc="The line to replace or remove: the last one in which this is found (the first with `firstmatch`).",
        ),
        "search_string": Arg(doc="The same as plain text."),
        "backrefs": Arg(
            "bool",
            default=False,
            doc="`line` may hold `\\1`, `\\g<name>` of `regexp`; then nothing is added where it isn't found.",
        ),
        "insertafter": Arg(
            doc="Where a new line goes: after the last line in which this is found, or `EOF` (the default), or `BOF`."
        ),
        "insertbefore": Arg(doc="Where a new line goes: before the last line in which this is found, or `BOF`."),
        "firstmatch": Arg("bool", default=False, doc="Take the first match of the expressions, not the last."),
        "create": Arg("bool", default=False, doc="Make the file, and its directory, when it isn't there."),
    },
    required_if=(("state", "present", ("line",)), ("backrefs", True, ("regexp",))),
    mutually_exclusive=(("insertbefore", "insertafter"), ("regexp", "search_string"), ("backrefs", "search_string")),
    examples="""
- name: Mask for new files
  lineinfile:
    path: /etc/login.defs
    regexp: '^UMASK'
    line: UMASK 027
- name: No root login
  lineinfile:
    path: /etc/ssh/sshd_config
    regexp: '^#?PermitRootLogin'
    line: PermitRootLogin no
    validate: sshd -t -f %s
- name: Keep what stands before the value
  lineinfile:
    path: /etc/app.conf
    regexp: '^(\\s*port\\s*=).*$'
    line: '\\1 8080'
    backrefs: true
- name: This host is gone
  lineinfile:
    path: /etc/hosts
    search_string: old.internal
    state: absent
""",
    returns={
        **TEXT_RETURNS,
        "found": "Number of lines removed.",
        "backup": 'The same as `backup_file`, "" when there is none.',
    },
)


class Edited(NamedTuple):
    """The lines after the change and what was done ("" for nothing). removed: how many lines went."""

    lines: "list[str]"
    message: str
    removed: int = 0


def current(ctx: Ctx, a: Arguments) -> "dict[str, Any]":
    if a.state == "absent" and a.line is None and a.regexp is None and a.search_string is None:
        raise ctx.fail("`state: absent` needs one of `line`, `regexp`, `search_string`")
    for name in ("line", "search_string", "regexp"):
        if "\0" in (getattr(a, name) or ""):
            raise ctx.fail("`%s` holds a NUL byte, which no text file can" % name)
    if a.regexp == "" or a.search_string == "":
        ctx.warn("an empty `%s` matches every line" % ("regexp" if a.regexp == "" else "search_string"))
    state = textfile.read(ctx, a, create=a.create, needed=a.state == "present",
                          missing_as="Destination %s does not exist !")
    return {**state, "message": "", "found": 0}


def wanted(ctx: Ctx, a: Arguments, current: "Mapping[str, Any]") -> "dict[str, Any]":
    if current["content"] is None and a.state == "absent":
        return dict(current)
    text = current["content"] or ""
    edited = edit(ctx, a, text)
    return textfile.wanted(ctx, a, current, "".join(edited.lines))


def apply(ctx: Ctx, a: Arguments, current: "Mapping[str, Any]", wanted: "Mapping[str, Any]") -> "dict[str, Any]":
    done = textfile.apply(ctx, a, current, wanted)
    a.extra["backup"] = done.get("backup_file", "")
    return done


def report(ctx: Ctx, a: Arguments, current: "Mapping[str, Any]", wanted: "Mapping[str, Any]") -> "dict[str, Any]":
    if current["content"] is None and a.state == "absent":
        return {"path": current["path"], "msg": "file not present", "found": 0}
    edited = edit(ctx, a, current["content"] or "")
    fields = {**textfile.report(ctx, a, current, wanted, edited.message), "backup": a.extra.get("backup", "")}
    return {**fields, "found": edited.removed} if a.state == "absent" else fields


diff = textfile.diff
predictions = textfile.predictions


def edit(ctx: Ctx, a: Arguments, text: str) -> Edited:
    """What becomes of `text`: the whole rule of this module, without a file."""
    lines = split_lines(text)
    if a.state == "absent":
        return _removed(ctx, a, lines)
    at, match = _matching_line(ctx, a, lines)
    anchor: Optional[int] = None
    if at is None:
        at, anchor = _same_line(ctx, a, lines)
    if at is not None:
        return _replaced(lines, at, match.expand(a.line) if a.backrefs and match else a.line, line_end(text))
    if a.backrefs:
        return Edited(lines, "")
    return _added(a, lines, anchor, line_end(text))


def _removed(ctx: Ctx, a: Arguments, lines: "list[str]") -> Edited:
    if a.regexp is not None:
        pattern = compiled(ctx, "regexp", a.regexp)
        kept = [line for line in lines if not pattern.search(bare(line))]
    elif a.search_string is not None:
        kept = [line for line in lines if a.search_string not in line]
    else:
        kept = [line for line in lines if bare(line) != bare(a.line)]
    removed = len(lines) - len(kept)
    return Edited(kept, "%d line(s) removed" % removed if removed else "", removed)


def _matching_line(ctx: Ctx, a: Arguments, lines: "list[str]") -> "tuple[Optional[int], Any]":
    """Where `regexp` or `search_string` is found, and the match."""
    if a.regexp is None and a.search_string is None:
        return None, None
    pattern = compiled(ctx, "regexp", a.regexp) if a.regexp is not None else None
    found: "tuple[Optional[int], Any]" = (None, None)
    for number, line in enumerate(lines):
        match = pattern.search(bare(line)) if pattern is not None else a.search_string in line
        if match:
            found = (number, match)
            if a.firstmatch:
                break
    return found if pattern is not None else (found[0], None)


def _same_line(ctx: Ctx, a: Arguments, lines: "list[str]") -> "tuple[Optional[int], Optional[int]]":
    """Where `line` itself stands, and where a new one would go by `insertafter` or `insertbefore`."""
    after = a.insertafter if a.insertafter not in (None, "EOF", "BOF") else None
    before = a.insertbefore if a.insertbefore not in (None, "BOF") else None
    where = after or before
    pattern = compiled(ctx, "insertafter" if after else "insertbefore", where) if where else None
    same = anchor = None
    for number, line in enumerate(lines):
        if bare(line) == bare(a.line):
            same = number
        elif pattern is not None and pattern.search(bare(line)) and not (a.firstmatch and anchor is not None):
            anchor = number + 1 if after else number
    return same, anchor


def _replaced(lines: "list[str]", at: int, line: str, end: str) -> Edited:
    old = lines[at]
    ending = old[len(bare(old)) :]
    # a last line without an end gets one, and nothing else is touched where the text is the same already
    new = line if line.endswith("\n") else line + (ending if ending.endswith("\n") else end)
    if new == old:
        return Edited(lines, "")
    return Edited([*lines[:at], new, *lines[at + 1 :]], "line replaced")


def _added(a: Arguments, lines: "list[str]", anchor: Optional[int], end: str) -> Edited:
    if "BOF" in (a.insertbefore, a.insertafter):
        anchor = 0
    elif anchor is None:
        anchor = len(lines)
    before = list(lines[:anchor])
    if before and not before[-1].endswith("\n"):
        before[-1] += end
    line = a.line if a.line.endswith("\n") else a.line + end
    return Edited([*before, line, *lines[anchor:]], "line added")
