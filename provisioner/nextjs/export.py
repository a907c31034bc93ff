"""What in an app's sources keeps it from being exported as files, or is lost in the export, with the files. Pure.

Measured with Next.js 16: the build stops at some of these and names one of them each time; others it leaves out with a
warning among a hundred lines, or without one.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from provisioner.nextjs import next_config
from provisioner.nextjs.detect import App
from provisioner.nextjs.findings import Finding
from provisioner.nextjs.javascript import EXTENSIONS, code_only
from provisioner.nextjs.next_config import CONFIGS

Kind = Literal["page", "layout", "route", "pages", "api", "middleware", "config", "code"]

SHOWN = 8  # files of one finding
LAST_COMMAND = 13  # the last major version with `next export`
STATIC_HANDLERS = 15  # from here on a GET handler is not static by itself
_NO_APP_CODE = re.compile(r"(^|/)(__tests__|tests?|e2e|cypress|\.storybook)/|\.(test|spec|stories)\.")
_STATIC = re.compile(r"\bdynamic\s*=\s*['\"`](?:force-static|error)['\"`]|\brevalidate\s*=\s*(?:false|[1-9])")


@dataclass(frozen=True, slots=True)
class Source:
    """A file of the app. code: without comments and prose; directives such as 'use server' are only in `text`."""

    path: str
    kind: Kind
    text: str
    code: str


@dataclass(frozen=True, slots=True)
class Rule:
    """kinds: of the files it looks at, all when empty. found: whether it holds for a file; `among` are all of them."""

    text: str
    mend: str
    found: Callable[[Source, Mapping[str, Source], App], bool]
    kinds: frozenset[Kind] = frozenset()
    stops: bool = True


def of_export(files: Mapping[str, str], app: App) -> Iterator[Finding]:
    """`files`: texts by path. One finding for each reason, with all files it is found in."""
    yield from _no_export(files, app)
    sources = {
        path: Source(path, kind_of(path), text, code_only(text))
        for path, text in sorted(files.items())
        if path.endswith(EXTENSIONS) and not _NO_APP_CODE.search(path)
    }
    for rule in _RULES:
        fitting = [source for source in sources.values() if not rule.kinds or source.kind in rule.kinds]
        paths = [source.path for source in fitting if rule.found(source, sources, app)]
        if paths:
            more = f" and {len(paths) - SHOWN} more" if len(paths) > SHOWN else ""
            yield Finding(f"{', '.join(paths[:SHOWN])}{more}: {rule.text}", rule.mend, stops=rule.stops, at_build=True)


def is_exported(app: App) -> bool:
    """Whether a build exports the app, as far as its files say so."""
    by_command = (app.next_major or 99) <= LAST_COMMAND and "next export" in app.scripts.get("build", "")
    return app.output == "export" or by_command


def export_command(files: Mapping[str, str], app: App) -> tuple[str, ...]:
    """What makes the files after the build; empty when the build does it itself, as it always does from 14 on."""
    scripts = app.scripts
    done = "next export" in scripts.get("build", "") or _is_configured(files)
    if done or (app.next_major or 99) > LAST_COMMAND:
        return ()
    if "next export" in scripts.get("export", ""):
        return ("npm", "run", "export")
    return ("node", "node_modules/next/dist/bin/next", "export")


def kind_of(path: str) -> Kind:
    """What Next.js takes a file for, by its place."""
    inside = path.removeprefix("src/")
    folder, name = posixpath.split(inside)
    stem = name.partition(".")[0]
    if not folder:
        return "middleware" if stem in ("middleware", "proxy") else "config" if path in CONFIGS else "code"
    if inside.startswith("pages/api/"):
        return "api"
    if inside.startswith("pages/"):
        return "pages"
    if inside.startswith("app/"):
        kinds: dict[str, Kind] = {"page": "page", "layout": "layout", "route": "route"}
        return kinds.get(stem, "code")
    return "code"


def _no_export(files: Mapping[str, str], app: App) -> Iterator[Finding]:
    """The version decides how files are asked for: by a command up to 13, by the configuration after it."""
    if (app.next_major or 99) > LAST_COMMAND and not _is_configured(files):
        named = next((name for name in CONFIGS if name in files), "next.config.mjs")
        yield Finding(f"`mode: static` serves what `next build` exports, but {named} does not set `output: 'export'`",
                      f"set it in {named}, or use another `mode`", stops=True)  # fmt: skip
    if (app.next_major or 0) > LAST_COMMAND and "next export" in app.scripts.get("build", ""):
        yield Finding(f"the script `build` runs `next export`, which Next.js {app.next_version} no longer has",
                      "take it out; `output: 'export'` makes the build do it", stops=True, at_build=True)  # fmt: skip


def _is_configured(files: Mapping[str, str]) -> bool:
    return any(re.search(r"['\"`]export['\"`]", value) for value in next_config.values(files, "output"))


# -- the rules -------------------------------------------------------------------------------------------------


def _has(pattern: str) -> Callable[[Source, Mapping[str, Source], App], bool]:
    wanted = re.compile(pattern)
    return lambda source, among, app: wanted.search(source.code) is not None


def _always(source: Source, among: Mapping[str, Source], app: App) -> bool:
    return True


def _has_actions(source: Source, among: Mapping[str, Source], app: App) -> bool:
    return re.search(r"(?:^|[{;])\s*['\"]use server['\"]", source.text, re.MULTILINE) is not None


def _is_dynamic_handler(source: Source, among: Mapping[str, Source], app: App) -> bool:
    gets = re.search(r"\bexport\b[^;\n]*\bGET\b", source.code)
    by_itself = (app.next_major or 99) < STATIC_HANDLERS or "generateStaticParams" in source.code
    return bool(gets) and not by_itself and not _STATIC.search(source.code)


def _lacks_params(source: Source, among: Mapping[str, Source], app: App) -> bool:
    """A page below `[x]` is made once for each of its parameters, which the page or a layout above has to list."""
    folder = posixpath.dirname(source.path)
    if "[" not in folder:
        return False
    parts = folder.split("/")
    above = {"/".join(parts[:count]) for count in range(1, len(parts) + 1)}
    listing = (other for other in among.values() if other.kind in ("page", "layout", "route")
               and posixpath.dirname(other.path) in above)  # fmt: skip
    return not any("generateStaticParams" in other.code for other in listing)


def _lacks_paths(source: Source, among: Mapping[str, Source], app: App) -> bool:
    return "[" in source.path and "getStaticProps" in source.code and "getStaticPaths" not in source.code


def _optimises_images(source: Source, among: Mapping[str, Source], app: App) -> bool:
    if not re.search(r"['\"`]next/(?:legacy/)?image['\"`]", source.code):
        return False
    configured = any(re.search(r"\bunoptimized\s*:\s*true|\bloader(?:File)?\s*:", other.code)
                     for other in among.values() if other.kind == "config")  # fmt: skip
    return not configured and not re.search(r"\bunoptimized\b|\bloader\s*=", source.code)


_IN_APP: frozenset[Kind] = frozenset({"page", "layout", "route"})
_RULES = (
    Rule("runs with each request, and there is no server: redirects, headers and logins in it would be gone",
         "remove it, or do it in the web server", _always, frozenset({"middleware"})),
    Rule("has Server Actions ('use server'), which need a server", "call an API elsewhere", _has_actions),
    Rule("`getServerSideProps` needs a server", "use getStaticProps, or fetch in the browser",
         _has(r"\bgetServerSideProps\b"), frozenset({"pages"})),
    Rule("`dynamic = 'force-dynamic'` needs a server", "take it out, or fetch in the browser",
         _has(r"\bdynamic\s*=\s*['\"`]force-dynamic['\"`]"), _IN_APP),
    Rule("reads the request (cookies, headers, connection), which needs a server", "read it in the browser",
         _has(r"\b(?:cookies|headers|draftMode|connection)\s*\(\s*\)"), _IN_APP),
    Rule("this GET handler is not static", "export const dynamic = 'force-static'", _is_dynamic_handler,
         frozenset({"route"})),
    Rule("lists no `generateStaticParams`, so nobody knows which pages to make", "add it there", _lacks_params,
         frozenset({"page"})),
    Rule("`dynamicParams = true` makes pages when they are asked for, which needs a server", "set it to false",
         _has(r"\bdynamicParams\s*=\s*true\b"), _IN_APP),
    Rule("has no `getStaticPaths`, so nobody knows which pages to make", "add it with `fallback: false`", _lacks_paths,
         frozenset({"pages"})),
    Rule("`fallback` other than false makes pages when they are asked for, which needs a server",
         "set `fallback: false`", _has(r"\bfallback\s*:\s*(?:true\b|['\"`]blocking['\"`])"), frozenset({"pages"})),
    Rule("`revalidate` in getStaticProps makes a page anew, which needs a server", "take it out",
         _has(r"\brevalidate\s*:\s*\d"), frozenset({"pages"})),
    Rule("an intercepting route needs a server", "make it an ordinary route",
         lambda source, among, app: "(.)" in source.path or "(..)" in source.path or "(...)" in source.path, _IN_APP),
    Rule("`i18n` can't be exported", "make the languages part of the routes", _has(r"\bi18n\s*:"),
         frozenset({"config"})),
    Rule("uses next/image with the loader that needs a server", "set `images: {unoptimized: true}`, or a `loader`",
         _optimises_images),
    Rule("API routes are left out of an export", "what calls them will get 404", _always, frozenset({"api"}),
         stops=False),
    Rule("only GET handlers are exported, the others are left out", "what calls them will get 405",
         _has(r"\bexport\b[^;\n]*\b(?:POST|PUT|PATCH|DELETE)\b"), frozenset({"route"}), stops=False),
    Rule("`revalidate` has no effect in an export: the page stays as it was built", "build again to make it anew",
         _has(r"\brevalidate\s*=\s*\d"), _IN_APP, stops=False),
    Rule("`redirects`, `rewrites` and `headers` have no effect in an export", "do it in the web server",
         _has(r"\b(?:redirects|rewrites|headers)\s*(?:\(|:)"), frozenset({"config"}), stops=False),
)  # fmt: skip
