"""Packages of npm: a project's, or global ones."""

from __future__ import annotations

import json
import re
from typing import Any, Optional, Sequence

from provisioner.remote import npmtree
from provisioner.remote.sdk import Completed, Ctx, Result
from provisioner.remote.spec import Arg, Arguments, Spec

SPEC = Spec(
    name="npm",
    summary="Install, upgrade or remove packages of npm",
    check="predict",
    identity=("path", "name", "global"),
    args={
        "name": Arg(doc="One package; without it those of package.json"),
        "path": Arg(type="path", doc="The project's directory; needed unless `global`"),
        "version": Arg(doc="The package's version"),
        "global": Arg(type="bool", default=False, doc="For the whole host instead of a project"),
        "state": Arg(default="present", choices=("present", "absent", "latest"), doc="What shall be with it"),
        "ci": Arg(
            type="bool", default=False, doc="Install exactly what the lock file says (`npm ci`), when anything differs"
        ),
        "production": Arg(type="bool", default=False, doc="Without packages for development"),
        "ignore_scripts": Arg(type="bool", default=False, doc="Don't run the packages' install scripts"),
        "no_optional": Arg(type="bool", default=False, doc="Without optional packages"),
        "no_bin_links": Arg(type="bool", default=False, doc="Without links to the packages' programs"),
        "force": Arg(type="bool", default=False, doc="Install in spite of conflicts"),
        "unsafe_perm": Arg(type="bool", default=False, doc="Accepted for compatibility: newer npm has no such option"),
        "registry": Arg(doc="The registry's URL; by default npm's own configuration"),
        "executable": Arg(type="path", doc="The npm to use"),
    },
    examples="""
- name: What package.json asks for
  npm:
    path: /srv/shop/source
- name: Exactly what the lock file says, without packages for development
  npm:
    path: /srv/shop/source
    ci: true
    production: true
- name: A global tool
  npm:
    name: pm2
    version: 5.4.2
    global: true
""",
    returns={"stdout": "what npm said"},
)

_NAME = re.compile(r"(@[A-Za-z0-9~][A-Za-z0-9._~-]*/)?[A-Za-z0-9~][A-Za-z0-9._~-]*")
_VERSION = re.compile(r"[A-Za-z0-9^~<>=*][A-Za-z0-9.^~<>=*|+ -]*")
_QUIET = {
    "npm_config_update_notifier": "false",
    "npm_config_fund": "false",
    "npm_config_audit": "false",
    "npm_config_progress": "false",
    "NO_COLOR": "1",
}


class _Npm:
    """npm with the settings of one task."""

    def __init__(self, ctx: Ctx, a: Arguments, folder: Optional[str]) -> None:
        self._ctx = ctx
        self._folder = folder
        self._program = a.executable or "npm"
        flags = {
            "--global": getattr(a, "global"),
            "--omit=dev": a.production,
            "--ignore-scripts": a.ignore_scripts,
            "--omit=optional": a.no_optional,
            "--no-bin-links": a.no_bin_links,
            "--force": a.force,
        }
        self._flags = [flag for flag, wanted in flags.items() if wanted]
        if a.registry is not None:
            self._flags.append("--registry=%s" % a.registry)

    def ask(self, words: "Sequence[str]") -> Completed:
        done = self._ctx.query(
            [self._program, *self._flags, *words], cwd=self._folder, env={**_QUIET, "npm_config_logs_max": "0"}
        )
        self._check_program(done)
        return done

    def change(self, words: "Sequence[str]") -> Completed:
        done = self._ctx.run([self._program, *self._flags, *words], cwd=self._folder, env=_QUIET, live=True)
        self._check_program(done)
        if done.rc:
            errors = [line for line in done.stderr.splitlines() if not line.startswith(("npm warn", "npm WARN"))]
            raise self._ctx.fail(
                "npm %s failed: %s" % (words[0], "\n".join(errors[-10:]) or done.stderr.strip()),
                rc=done.rc,
                stdout=done.stdout,
                stderr=done.stderr,
            )
        return done

    def _check_program(self, done: Completed) -> None:
        if done.rc == 127:
            if self._ctx.check and self._ctx.predicted("package", "*") is not None:
                raise self._ctx.unknown("npm is not installed yet")
            raise self._ctx.fail("Failed to find required executable %s on the host; install npm first" % self._program)


def run(ctx: Ctx, a: Arguments) -> Result:
    folder = _check_arguments(ctx, a)
    npm = _Npm(ctx, a, folder)
    if a.name is not None:
        modules = folder + "/node_modules" if folder is not None else npm.ask(["root"]).stdout.strip()
        return _one_package(ctx, a, npm, modules)
    assert folder is not None
    package = ctx.stat(folder + "/package.json", follow=True)
    if package is None:
        if ctx.check and ctx.predicted("path", folder) is not None:
            raise ctx.unknown("what %s needs is not known before it is there" % folder)
        raise ctx.fail("there is no package.json in %s" % folder)
    if a.state == "absent":
        raise ctx.fail("`state: absent` needs `name`")
    return _whole_project(ctx, a, npm, folder)


def _check_arguments(ctx: Ctx, a: Arguments) -> Optional[str]:
    if a.path is None and not getattr(a, "global"):
        raise ctx.fail("path must be specified when not using global")
    if a.name is None and getattr(a, "global"):
        raise ctx.fail("`global` needs `name`")
    if a.ci and a.name is not None:
        raise ctx.fail("`ci` installs what the lock file says, so it takes no `name`")
    if a.name is not None and not _NAME.fullmatch(a.name):
        raise ctx.fail("%r is not the name of a package" % a.name)
    if a.version is not None and not _VERSION.fullmatch(a.version):
        raise ctx.fail("%r is not a version" % a.version)
    if a.registry is not None and not re.fullmatch(r"https?://[^\s\0]+", a.registry):
        raise ctx.fail("`registry: %s` is not a URL" % a.registry)
    return None if getattr(a, "global") else ctx.expand(a.path).rstrip("/")


def _one_package(ctx: Ctx, a: Arguments, npm: _Npm, modules: str) -> Result:
    have = npmtree.installed_version(ctx, modules, a.name)
    if a.state == "absent":
        return _result(ctx, have, None, have and npm, ["uninstall", "--", a.name], a.name)
    wanted = a.version
    if a.state == "latest" and wanted is None:
        shown = npm.ask(["view", "--json", "--", a.name, "version"])
        if shown.rc:
            raise ctx.fail("npm view failed: %s" % shown.stderr.strip(), rc=shown.rc, stderr=shown.stderr)
        found: Any = json.loads(shown.stdout)
        wanted = found[-1] if isinstance(found, list) else found
    due = have is None or (wanted is not None and have != wanted and not _is_range(wanted))
    specifier = "%s@%s" % (a.name, wanted) if wanted else a.name
    return _result(ctx, have, wanted or "installed", npm if due else None, ["install", "--", specifier], a.name)


def _is_range(version: str) -> bool:
    """Whether a version leaves a choice; then whatever is installed is kept."""
    return not re.fullmatch(r"v?\d+\.\d+\.\d+([-+][A-Za-z0-9.+-]+)?", version)


def _whole_project(ctx: Ctx, a: Arguments, npm: _Npm, folder: str) -> Result:
    if a.ci and npmtree.lock_file(ctx, folder) is None:
        raise ctx.fail("`ci` needs package-lock.json or npm-shrinkwrap.json in %s" % folder)
    if a.state == "latest":
        outdated = npm.ask(["outdated", "--json"]).stdout.strip()
        due = bool(outdated and json.loads(outdated)) or not npmtree.is_in_step(ctx, folder, production=a.production)
        return _result(ctx, None, "latest", npm if due else None, ["update"], folder)
    in_step = npmtree.is_in_step(ctx, folder, production=a.production)
    return _result(ctx, None, "installed", None if in_step else npm, ["ci" if a.ci else "install"], folder)


def _result(
    ctx: Ctx,
    before: Optional[str],
    after: Optional[str],
    npm: "Optional[_Npm | str]",
    words: "Sequence[str]",
    what: str,
) -> Result:
    if not isinstance(npm, _Npm):
        return Result()
    diff = {"before": {what: before} if before else {}, "after": {what: after} if after else {}}
    outcome = Result(changed=True, diff=diff if ctx.want_diff else None)
    if not ctx.check:
        done = npm.change(words)
        outcome.data.update(stdout=done.stdout, stderr=done.stderr)
    return outcome
