"""Facts that the host tells of itself: files `*.fact` in facts.d, JSON, INI, or a program that prints one of them."""

from __future__ import annotations

import json
import os
from typing import Any

from provisioner.remote.facts.readers import names, text
from provisioner.remote.sdk import Ctx


def collect(ctx: Ctx, folder: str, timeout: float) -> "dict[str, Any]":
    found: "dict[str, Any]" = {}
    for name in names(folder):
        if name.endswith(".fact"):
            found[name[: -len(".fact")]] = _fact(ctx, os.path.join(folder, name), timeout)
    return {"local": found}


def _fact(ctx: Ctx, path: str, timeout: float) -> Any:
    if os.access(path, os.X_OK) and ctx.stat(path, follow=True):
        done = ctx.query([path], timeout=timeout)
        if done.rc != 0:
            ctx.warn("the fact %s failed: exit status %d %s" % (path, done.rc, done.stderr.strip()[-200:]))
            return "Failure executing fact script (%s), rc: %s" % (path, done.rc)
        content = done.stdout
    else:
        content = text(path)
    try:
        return json.loads(content)
    except ValueError:
        return _ini(ctx, path, content)


def _ini(ctx: Ctx, path: str, content: str) -> Any:
    import configparser  # noqa: PLC0415 - 10 ms, rarely needed

    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(content)
    except configparser.Error as error:
        ctx.warn("the fact %s is neither JSON nor INI: %s" % (path, str(error).splitlines()[0]))
        return "error loading facts as JSON or ini - please check content: %s" % path
    return {section: dict(parser.items(section)) for section in parser.sections()}
