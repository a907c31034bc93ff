"""`template`: renders a file of the controller and puts the text on the host as `copy` does."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from typing import Any

from provisioner.actions.base import Done, Expansion, HostWork
from provisioner.actions.local import (
    content_arguments,
    flag,
    local_name,
    not_known,
    own_names,
    read_text,
    refused,
    text_of,
)
from provisioner.diag import TemplateError
from provisioner.remote.fileattrs import ATTRIBUTE_ARGS, ATTRIBUTE_RETURNS
from provisioner.remote.filecontent import BACKUP, VALIDATE
from provisioner.remote.spec import Arg, Spec
from provisioner.values import Unknown

_MARKERS = (
    "block_start_string",
    "block_end_string",
    "variable_start_string",
    "variable_end_string",
    "comment_start_string",
    "comment_end_string",
)
_LINE_ENDS = {"\\n": "\n", "\\r": "\r", "\\r\\n": "\r\n", "\n": "\n", "\r": "\r", "\r\n": "\r\n"}

SPEC = Spec(
    name="template",
    summary="Render a Jinja template and put the text on the host",
    identity=("dest",),
    args={
        "src": Arg(required=True, doc="The template, looked for in `templates/` beside the role or the playbook."),
        "dest": Arg(
            "path",
            required=True,
            doc="Where the text goes. An existing directory, or a path ending in `/`, gets the file inside.",
        ),
        "force": Arg(
            "bool", default=True, doc="Replace a file that has other content; `false` leaves any existing file alone."
        ),
        "follow": Arg(
            "bool",
            default=False,
            doc="When `dest` is a link, change the file it points to instead of replacing the link.",
        ),
        "newline_sequence": Arg(default="\n", choices=tuple(_LINE_ENDS), doc="What ends a line."),
        "trim_blocks": Arg("bool", default=True, doc="The line end after a block is dropped."),
        "lstrip_blocks": Arg("bool", default=False, doc="Blanks before a block are dropped."),
        "output_encoding": Arg(default="utf-8", doc="How the file is encoded."),
        **{name: Arg(doc=f"Jinja's `{name}`.") for name in _MARKERS},
        "backup": BACKUP,
        "validate": VALIDATE,
        **ATTRIBUTE_ARGS,
    },
    notes="Inside: `ansible_managed`, `template_path`, `template_fullpath`, `template_destpath`, `template_uid`, "
    "`template_mtime`, `template_host` (this machine), `template_run_date`. "
    "A first line `#jinja2: trim_blocks: false, …` overrides settings.",
    examples="""
- name: The site
  template:
    src: site.conf.j2
    dest: /etc/nginx/conf.d/site.conf
    mode: "0644"
  notify: reload nginx
- name: A file that has braces of its own
  template:
    src: report.tex.j2
    dest: /srv/report.tex
    variable_start_string: "[["
    variable_end_string: "]]"
""",
    returns={
        "dest": "Path of the file.",
        "src": "The template.",
        "checksum": "SHA-1 of the text.",
        "backup_file": "Where the old file went.",
        **ATTRIBUTE_RETURNS,
    },
)

_CONTROLLER_ONLY = frozenset({"src", "newline_sequence", "trim_blocks", "lstrip_blocks", "output_encoding", *_MARKERS})


def expand(call: Expansion) -> HostWork | Done:
    unknown = not_known(call.args)
    if unknown is not None:
        return unknown
    args = own_names(SPEC, call.args)
    if not args.get("src") or not args.get("dest"):
        return refused("`template` needs `src` and `dest`")
    found = read_text(call, local_name(args["src"]), "templates")
    rendered = call.render_text(
        found["text"], name=found["path"], variables=_variables(call, args, found), options=_options(args)
    )
    if isinstance(rendered, Unknown):
        return Done({"changed": False, "unknown": rendered.reason})
    text, secret = text_of(rendered)
    encoding = str(args.get("output_encoding") or "utf-8")
    try:
        data = text.encode(encoding, "surrogateescape" if encoding == "utf-8" else "strict")
    except (LookupError, UnicodeEncodeError) as error:
        return refused(f"{found['path']} can't be written as {encoding}: {error}")
    internal, content = content_arguments(data, secret=secret or found["decrypted"])
    rest = {name: value for name, value in args.items() if name not in _CONTROLLER_ONLY}
    if rest.get("mode") == "preserve":
        rest["mode"] = found["mode"]
    labels = {"_label": found["path"], "_basename": os.path.basename(local_name(args["src"]))}
    return HostWork("copy", {**rest, **internal, **labels}, (content,))


def _options(args: Mapping[str, Any]) -> dict[str, Any]:
    """Jinja's settings; those not given keep their defaults."""
    options: dict[str, Any] = {name: str(args[name]) for name in _MARKERS if args.get(name) is not None}
    options["trim_blocks"] = flag(args, "trim_blocks", True)
    options["lstrip_blocks"] = flag(args, "lstrip_blocks", False)
    if args.get("newline_sequence") is not None:
        options["newline_sequence"] = _LINE_ENDS.get(str(args["newline_sequence"]), "\n")
    return options


def _variables(call: Expansion, args: Mapping[str, Any], found: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **_managed(call, found),
        "template_path": local_name(args["src"]),
        "template_fullpath": found["fullpath"],
        "template_destpath": args["dest"],
        "template_uid": found["owner"],
        "template_mtime": found["mtime"],
        "template_host": found["node"],
        "template_run_date": found["read_at"],
    }


def _managed(call: Expansion, found: Mapping[str, Any]) -> dict[str, Any]:
    """`ansible_managed` by the setting, where no variable of the user says it. The setting is a template itself."""
    if not call.managed or call.variable("ansible_managed") != call.managed:
        return {}
    parts = {"file": found["path"], "uid": found["owner"], "host": found["node"]}
    try:
        text = call.managed.format(**{name: "{{ " + name + " }}" for name in parts})
    except (KeyError, IndexError, ValueError) as error:
        raise TemplateError(
            f"the setting `ansible_managed` can't be filled in: {error}",
            hint="{file}, {uid} and {host} stand for the template's",
        ) from None
    timed = time.strftime(text, time.localtime(found["mtime"]))
    return {"ansible_managed": call.render_text(timed, name="ansible_managed", variables=parts)}
