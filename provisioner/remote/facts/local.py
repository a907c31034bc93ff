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
    try:
        os.stat(path)
    except OSError as error:
        ctx.warn("the fact %s can't be read: %s" % (path, error.strerror))
        return "Could not stat fact (%s): %s" % (path, error.strerror)
    if os.access(path, os.X_OK):
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

    parser = configparser.ConfigParser()
    try:
        parser.read_string(content)
    except configparser.Error as error:
        ctx.warn("the fact %s is neither JSON nor INI: %s" % (path, str(error).splitlines()[0]))
        return "error loading facts as JSON or ini - please check content: %s" % path
    try:
        return {section: dict(parser.items(section)) for section in parser.sections()}
    except configparser.Error as error:  # `%` stands for another value of the section, and for itself as `%%`
        ctx.warn("the fact %s has a value that is not INI: %s" % (path, str(error).splitlines()[0]))
        return "error loading facts as ini - please check content: %s" % path
