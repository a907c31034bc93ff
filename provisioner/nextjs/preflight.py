"""What in an app's sources and settings speaks against deploying it, all at once. Pure.

`preflight_host` has what speaks against a host.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from provisioner.nextjs.detect import ENGINES, App, node_problem
from provisioner.nextjs.findings import Finding
from provisioner.nextjs.javascript import EXTENSIONS, code_only
from provisioner.nextjs.modes import mode_findings
from provisioner.nextjs.next_config import CONFIGS, literal, values
from provisioner.nextjs.package_json import dependencies, parsed, part
from provisioner.nextjs.package_json import package as package_of
from provisioner.nextjs.scripts import build_script, start_script
from provisioner.nextjs.semver import allows, intervals
from provisioner.nextjs.settings import PUBLIC, Settings
from provisioner.nextjs.workspace import own_files

LTS = ("22", "24", "20", "18", "16", "14", "12")  # what `engines` allows is looked for in this order; 22 is the default
BUILD_ENV_FILES = (".env", ".env.production")

_FONTS = re.compile(r"(['\"`])(?:next/font/google|@next/font/google)\1")
_NO_APP_CODE = re.compile(r"(^|/)(__tests__|tests?|e2e|cypress|\.storybook)/|\.(test|spec|stories)\.")
_READS = re.compile(rf"\bprocess\s*\.\s*env\s*\.\s*({PUBLIC}\w+)")


def of_source(
    files: Mapping[str, str], app: App, settings: Settings, signals: Iterable[str] = ()
) -> tuple[Finding, ...]:
    """`files`: texts of the whole source by path. `signals`: what `signals.examine` warns of."""
    own = own_files(files, app.path)
    package = package_of(own)
    return (
        *(Finding(error, stops=True) for error in app.errors),
        *_next_version(app),
        *_node(app, package, settings),
        *_dependencies(package),
        *_lock(files, app, package),
        *build_script(app),
        *_config(own, app, settings),
        *mode_findings(own, app, settings),
        *_variables(own, settings),
        *_fonts(own),
        *(Finding(warning) for warning in app.warnings),
        *(_of_service(app, settings, signals) if settings.mode != "static" else ()),
    )


def of_build(
    files: Mapping[str, str], app: App, settings: Settings, signals: Iterable[str] = ()
) -> tuple[Finding, ...]:
    """The same for a build that was made elsewhere; `settings`: decided."""
    found = [Finding(error, stops=True) for error in app.errors]
    built = app.output or "server"
    if not found and settings.mode != built:
        found.append(Finding(f"`mode: {settings.mode}` is set, but the artifact is a {built} build",
                             "leave `mode` out", stops=True))  # fmt: skip
    if settings.public_env:
        names = ", ".join(sorted(settings.public_env))
        found.append(Finding(f"{names} in `env` changes nothing in the pages: the artifact has the values of its build",
                             "set it where the artifact is built",
                             at_build=True))  # fmt: skip
    node = _node(app, package_of(own_files(files, app.path)), settings)
    return (*found, *_next_version(app), *node, *(Finding(warning) for warning in signals))


def _of_service(app: App, settings: Settings, signals: Iterable[str]) -> Iterator[Finding]:
    yield from start_script(app, settings)
    yield from (Finding(warning) for warning in signals)


def engine_problem(files: Mapping[str, str], version: str) -> Finding | None:
    """Why the app's package.json does not want this Node.js."""
    wanted = _engine(package_of(files))
    if not wanted or allows(wanted, version) is not False:
        return None
    fitting = next((major for major in LTS if allows(wanted, major)), None)
    mend = f'set `node: "{fitting}"` or change `engines`' if fitting else "change `engines` or `node`"
    text = f"package.json wants Node.js `{wanted}` by `engines.node`, but `node` is {version}"
    return Finding(text, mend, stops=True)


# -- versions --------------------------------------------------------------------------------------------------


def _next_version(app: App) -> Iterator[Finding]:
    major = app.next_major
    if major is None:
        return
    if major < min(ENGINES):
        yield Finding(f"Next.js {app.next_version} is older than what can be run ({min(ENGINES)} and newer)",
                      "update `next`", stops=True)  # fmt: skip
    elif major > max(ENGINES):
        yield Finding(
            f"Next.js {app.next_version} is newer than what is known here ({max(ENGINES)}): how it starts and stops "
            "may differ", "try it on a host without users first", at_build=True)  # fmt: skip


def _node(app: App, package: Mapping[str, Any], settings: Settings) -> Iterator[Finding]:
    too_old = node_problem(app, settings.node)
    if too_old:
        yield Finding(too_old, 'set `node: "22"`', stops=True)
    wanted = _engine(package)
    if wanted and intervals(wanted) is None:
        yield Finding(f"`engines.node: {wanted}` in package.json can't be read as a range of versions, so it is not "
                      "checked", 'write it like ">=20.9"', at_build=True)  # fmt: skip
    unwanted = engine_problem({"package.json": json.dumps(package)}, settings.node)
    if unwanted:
        yield unwanted


def _engine(package: Mapping[str, Any]) -> str:
    engines = package.get("engines")
    wanted = engines.get("node") if isinstance(engines, dict) else None
    return wanted if isinstance(wanted, str) else ""


# -- dependencies ----------------------------------------------------------------------------------------------


def _dependencies(package: Mapping[str, Any]) -> Iterator[Finding]:
    named = dependencies(package)
    if "next" not in named:
        return  # an error of its own
    for name in ("react", "react-dom"):
        if name not in named:
            yield Finding(f"package.json does not depend on `{name}`, which Next.js needs; which version gets "
                          "installed is left to the package manager", f"add `{name}` to `dependencies`",
                          at_build=True)  # fmt: skip


def _lock(files: Mapping[str, str], app: App, package: Mapping[str, Any]) -> Iterator[Finding]:
    """Whether `npm ci` will refuse the lockfile: every dependency must be in it, in a version that is asked for."""
    if app.install is None or app.install.manager != "npm" or "overrides" in package:
        return
    lockfile = app.install.lockfile
    locked = part(parsed(files[lockfile]) or {}, "packages")
    if not locked:
        return  # of npm 6: the packages are elsewhere
    stale = []
    for group in ("dependencies", "devDependencies"):
        for name, wanted in part(package, group).items():
            found = part(locked, f"{app.path}/node_modules/{name}") or part(locked, f"node_modules/{name}")
            version = str(found.get("version", ""))
            if not found:
                stale.append(f"{name} is missing")
            elif isinstance(wanted, str) and not found.get("link") and allows(wanted, version) is False:
                stale.append(f"{name} is {version}, package.json wants {wanted}")
    if stale:
        shown = ", ".join(stale[:5]) + (f" and {len(stale) - 5} more" if len(stale) > 5 else "")
        yield Finding(f"{lockfile} does not fit package.json ({shown}), so `npm ci` will refuse it",
                      "run `npm install` and commit the lockfile", stops=True, at_build=True)  # fmt: skip


# -- next.config -----------------------------------------------------------------------------------------------


def _config(files: Mapping[str, str], app: App, settings: Settings) -> Iterator[Finding]:
    if "next.config.cjs" in files:
        yield Finding("Next.js does not read next.config.cjs", "name it next.config.js")
    found = [name for name in CONFIGS if name in files]
    if found and found[0] == "next.config.ts" and (app.next_major or 99) < 15:
        yield Finding(f"Next.js {app.next_version} does not read next.config.ts, which came with 15",
                      "name it next.config.mjs and take the types out", stops=True, at_build=True)  # fmt: skip
    if len(found) > 1:
        yield Finding(f"there are several configurations ({', '.join(found)}) and Next.js reads {found[0]} only",
                      "remove the others")  # fmt: skip
    for value in values(files, "distDir") if settings.mode != "static" else ():  # there it says where to export to
        yield from _dist(found[0], value)


def _dist(name: str, value: str) -> Iterator[Finding]:
    place = literal(value)
    if place is not None and place.rstrip("/").removeprefix("./") not in (".next", ""):
        yield Finding(f"`distDir: {value}` in {name} puts the build where it is not looked for",
                      "leave `distDir` out", stops=True)  # fmt: skip
    elif place is None:
        yield Finding(f"{name} sets `distDir` by a condition; the build is looked for in .next only",
                      "leave `distDir` out", at_build=True)  # fmt: skip


# -- variables and fonts ---------------------------------------------------------------------------------------


def _variables(files: Mapping[str, str], settings: Settings) -> Iterator[Finding]:
    for name in sorted(settings.secrets):
        if name.startswith(PUBLIC) and name not in settings.build_env:
            yield Finding(f"`{name}` in `env` has a vaulted value: such values stay out of the build, so the pages "
                          "would have none", "NEXT_PUBLIC_… is sent to every browser: give it as plain text, or name "
                          "it otherwise and read it on the server", stops=True)  # fmt: skip
    given = {*settings.env, *settings.secrets, *settings.build_env}
    for name in BUILD_ENV_FILES:
        given |= set(re.findall(r"^\s*(?:export\s+)?([A-Za-z_]\w*)\s*=", files.get(name, ""), re.MULTILINE))
    given |= set(re.findall(rf"\b({PUBLIC}\w+)\s*:", "\n".join(files.get(name, "") for name in CONFIGS)))
    read = {name for _, code in _code_with(PUBLIC, files) for name in _READS.findall(code)}
    unset = sorted(read - given)
    if unset:
        yield Finding(f"the code reads {', '.join(unset)}, but nothing sets it: the build freezes it as undefined",
                      "give it in `env`, or in .env.production", at_build=True)  # fmt: skip


def _fonts(files: Mapping[str, str]) -> Iterator[Finding]:
    using = [path for path, code in _code_with("font/google", files) if _FONTS.search(code)]
    if using:
        yield Finding(f"{using[0]} uses next/font/google: the build downloads the fonts, and fails where the building "
                      "host can't reach fonts.googleapis.com", "next/font/local needs no network",
                      at_build=True)  # fmt: skip


def _code_with(word: str, files: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Path and code of the app's files that have `word`, without tests."""
    for path, text in sorted(files.items()):
        if word in text and path.endswith(EXTENSIONS) and not _NO_APP_CODE.search(path):
            yield path, code_only(text)
