"""Entries of the host's name service (accounts, groups, hosts, services) as facts."""

from __future__ import annotations

from typing import Any, Optional

from provisioner.remote.sdk import Ctx, Result
from provisioner.remote.spec import Arg, Arguments, Spec

SPEC = Spec(
    name="getent",
    summary="Read a database of the name service into facts",
    check="run",
    args={
        "database": Arg(required=True, doc="`passwd`, `group`, `shadow`, `hosts` or another that getent(1) reads"),
        "key": Arg(doc="The entry; without it all of them, where the database can be listed"),
        "service": Arg(doc="Ask this service only (`files`, `dns` …)"),
        "split": Arg(doc="What stands between the fields: `:` for accounts and groups, else white space"),
        "fail_key": Arg("bool", default=True, doc="Fail when there is no such entry; else its value is null"),
    },
    identity=("database", "key"),
    examples="""
- name: Look up the account of the app
  getent:
    database: passwd
    key: app
- name: Where it lives
  debug:
    msg: "{{ ansible_facts.getent_passwd.app[4] }}"
""",
    returns={"ansible_facts": "`getent_` and the database: a mapping of the first field of an entry to the list of the "
                              "others; of several entries with one name a list of such lists"},
)

_COLONS = frozenset({"passwd", "shadow", "group", "gshadow"})
_NO_DATABASE, _NO_KEY, _NO_LIST = 1, 2, 3
"""Exit codes, as getent(1) has them."""


def run(ctx: Ctx, a: Arguments) -> Result:
    service = ["-s", a.service] if a.service else []
    found = ctx.query(["getent", *service, "--", a.database, *([] if a.key is None else [a.key])])
    name = "getent_%s" % a.database
    if found.rc == _NO_KEY and not a.fail_key:
        return Result(ansible_facts={name: {a.key: None}})
    if found.rc != 0:
        raise ctx.fail(_why(found.rc, a) or found.stderr.strip() or "getent ended with exit code %d" % found.rc)
    split = a.split if a.split is not None else ":" if a.database in _COLONS else None
    return Result(ansible_facts={name: entries(found.stdout, split)})


def entries(text: str, split: "Optional[str]") -> "dict[str, Any]":
    """
    >>> entries("app:x:1:1\\n", ":"), entries("::1 localhost\\n::1 me\\n", None)
    ({'app': ['x', '1', '1']}, {'::1': [['localhost'], ['me']]})
    """
    found: "dict[str, list[list[str]]]" = {}
    for line in text.splitlines():
        fields = line.split(split)
        if fields:
            found.setdefault(fields[0], []).append(fields[1:])
    return {name: lists[0] if len(lists) == 1 else lists for name, lists in found.items()}


def _why(code: int, a: Arguments) -> str:
    return {
        _NO_DATABASE: "Missing arguments, or database unknown: %s" % a.database,
        _NO_KEY: "One or more supplied key could not be found in the database: %s in %s" % (a.key, a.database),
        _NO_LIST: "Enumeration not supported on this database: %s" % a.database,
    }.get(code, "")
