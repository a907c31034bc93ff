"""The packages a task names, against those that dpkg has on record."""

from __future__ import annotations

import fnmatch
from typing import Sequence

from provisioner.remote import dpkg
from provisioner.remote.aptget import lists_age, without_caches
from provisioner.remote.sdk import Ctx
from provisioner.remote.spec import Arguments


def read(ctx: Ctx, a: Arguments) -> "list[dpkg.Wish]":
    """What `name` asks for; a text that is no package name is an error, so none can be an option."""
    found = []
    for text in a.name or []:
        wish = dpkg.parse_wish(text)
        if wish is None:
            raise ctx.fail("%r is not the name of a package (like curl, curl=7.88*, curl>=7.80 or php8.*)" % text)
        if wish.version and a.state == "latest":
            raise ctx.fail("version number inconsistent with state=latest: %s" % text)
        found.append(wish)
    return found


def missing(ctx: Ctx, a: Arguments, database: dpkg.Database, wishes: "Sequence[dpkg.Wish]") -> "list[dpkg.Wish]":
    """Wishes that the installed packages do not fulfil."""
    lacking = []
    for wish in wishes:
        if wish.is_pattern:
            for name in _known_names(ctx, wish.name):
                single = wish._replace(name=name)
                if not _fulfilled(ctx, database, single) and not (a.only_upgrade and database.find(name) is None):
                    lacking.append(single)
        elif not _fulfilled(ctx, database, wish) and not (
            a.only_upgrade and not is_installed(ctx, database, wish.name)
        ):
            lacking.append(wish)
    return lacking


def _known_names(ctx: Ctx, pattern: str) -> "list[str]":
    names = sorted(fnmatch.filter(ctx.query(["apt-cache", *without_caches(ctx), "pkgnames"]).stdout.split(), pattern))
    if not names:
        if ctx.check and lists_age(ctx) is None:
            raise ctx.unknown("which packages match %s is not known before the package lists are there" % pattern)
        raise ctx.fail("No package(s) matching '%s' available" % pattern)
    return names


def _fulfilled(ctx: Ctx, database: dpkg.Database, wish: dpkg.Wish) -> bool:
    predicted = ctx.predicted("package", wish.name) if ctx.check else None
    if predicted is not None:
        return predicted.get("kind") != "absent" and (
            not wish.version or wish.allows(str(predicted.get("version", "")))
        )
    package = database.find(wish.name)
    if package is not None and package.is_installed:
        return wish.allows(package.version)
    return not wish.version and database.provider(wish.name) is not None


def is_installed(ctx: Ctx, database: dpkg.Database, name: str) -> bool:
    return _fulfilled(ctx, database, dpkg.Wish(name))


def to_remove(ctx: Ctx, a: Arguments, database: dpkg.Database, wishes: "Sequence[dpkg.Wish]") -> "list[str]":
    names = []
    for wish in wishes:
        predicted = ctx.predicted("package", wish.name) if ctx.check else None
        if predicted is not None:
            names.extend([wish.name] if predicted.get("kind") != "absent" else [])
            continue
        single = database.find(wish.name)
        for package in database.matching(wish.name) if wish.is_pattern else [single] if single is not None else []:
            there = package.state not in ("config-files", "not-installed", "") or (
                a.purge and package.state == "config-files"
            )
            if there and wish.allows(package.version):
                names.append(package.name if wish.is_pattern else wish.name)
    return names


def specifier(ctx: Ctx, wish: dpkg.Wish) -> str:
    """The wish in apt-get's words; for `>=` the newest version that there is."""
    if not wish.version or wish.operator == "=":
        return "%s=%s" % (wish.name, wish.version) if wish.version else wish.name
    listed = ctx.query(["apt-cache", *without_caches(ctx), "madison", wish.name]).stdout.splitlines()
    versions = [line.split("|")[1].strip() for line in listed if line.count("|") >= 2]
    good = [version for version in versions if wish.allows(version)]
    if not good:
        raise ctx.fail("No package matching '%s' is available; there is %s" % (wish, ", ".join(versions) or "none"))
    return "%s=%s" % (wish.name, good[0])
