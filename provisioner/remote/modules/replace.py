"""Every match of a regular expression in a file replaced."""

from __future__ import annotations

import re
from typing import Any, Mapping

from provisioner.remote import textfile
from provisioner.remote.sdk import Ctx
from provisioner.remote.spec import Arg, Arguments, Spec
from provisioner.remote.textfile import TEXT_ARGS, TEXT_RETURNS, compiled

SPEC = Spec(
    name="replace",
    summary="Replace all matches of a regular expression in a file",
    identity=("path", "regexp"),
    args={
        **TEXT_ARGS,
        "regexp": Arg(
            required=True, doc="What to look for; `^` and `$` match at every line, `.` doesn't match a line end."
        ),
        "replace": Arg(
            default="", doc="What to put there; may hold `\\1`, `\\g<name>`. Without it matches are removed."
        ),
        "after": Arg(doc="Only what comes after the first match of this is looked at; `.` matches line ends here."),
        "before": Arg(doc="Only what comes before the first match of this (behind `after`) is looked at."),
    },
    examples="""
- name: Another name everywhere
  replace:
    path: /etc/hosts
    regexp: '(\\s+)old\\.example\\.com(\\s+.*)?$'
    replace: '\\1new.example.com\\2'
- name: Comment out one section
  replace:
    path: /etc/app.conf
    after: '\\[debug\\]\\n'
    before: '\\n\\['
    regexp: '^(\\w.*)$'
    replace: '# \\1'
""",
    returns=TEXT_RETURNS,
    notes="A replacement that its own `regexp` matches again grows with every run; say what must not stand there yet.",
)


def current(ctx: Ctx, a: Arguments) -> "dict[str, Any]":
    _replaced(ctx, a, "")  # what is wrong with the expressions is told before the file is asked for
    return textfile.read(ctx, a)


def wanted(ctx: Ctx, a: Arguments, current: "Mapping[str, Any]") -> "dict[str, Any]":
    return textfile.wanted(ctx, a, current, edit(ctx, a, current["content"])[0])


def apply(ctx: Ctx, a: Arguments, current: "Mapping[str, Any]", wanted: "Mapping[str, Any]") -> "dict[str, Any]":
    return textfile.apply(ctx, a, current, wanted)


def report(ctx: Ctx, a: Arguments, current: "Mapping[str, Any]", wanted: "Mapping[str, Any]") -> "dict[str, Any]":
    return textfile.report(ctx, a, current, wanted, edit(ctx, a, current["content"])[1])


diff = textfile.diff
predictions = textfile.predictions


def edit(ctx: Ctx, a: Arguments, text: str) -> "tuple[str, str]":
    """The new text and what was done, in words."""
    start, end = 0, len(text)
    if a.after or a.before:
        pattern = "%s(?P<subsection>.%s)%s" % (a.after or "", "*?" if a.before else "*", a.before or "")
        match = compiled(ctx, "after` or `before", pattern, re.DOTALL).search(text)
        if match is None:
            return text, "Pattern for before/after params did not match the given file: %s" % pattern
        start, end = match.span("subsection")
    section, count = _replaced(ctx, a, text[start:end])
    if section == text[start:end]:
        return text, ""
    return text[:start] + section + text[end:], "%d replacements made" % count


def _replaced(ctx: Ctx, a: Arguments, text: str) -> "tuple[str, int]":
    try:
        return compiled(ctx, "regexp", a.regexp, re.MULTILINE).subn(a.replace, text)
    except (re.error, IndexError) as error:
        raise ctx.fail("Unable to process replace: %s: %r with regexp %s" % (error, a.replace, a.regexp)) from None
