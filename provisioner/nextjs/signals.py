"""Which signal handlers an app registers, and whether NEXT_MANUAL_SIG_HANDLE should be set for it. Pure.

What is known of the versions (measured): 12, 14, 15 and 16 honour the variable, 13 ends the process all the same. Set
without a handler it makes things worse: the signal's default action cuts off every request. A handler that exits at
once does so too, with and without the variable.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from provisioner.nextjs.detect import App
from provisioner.nextjs.javascript import EXTENSIONS, code_only, definition, enclosed, imported, resolve

VARIABLE = "NEXT_MANUAL_SIG_HANDLE"
ENV_FILES = (".env", ".env.production", ".env.local", ".env.production.local")

_CALL = re.compile(
    r"\bprocess\s*(?:\?\.|\.)\s*(?:on|once|addListener|prependListener|prependOnceListener)\s*(?:\?\.)?\(\s*"
    r"(?:['\"`](?P<literal>\w+)['\"`]|(?P<variable>[\w$.]+))\s*(?:as\s+[\w.]+\s*)?,"
)
_NAMED = re.compile(r"['\"`](SIG[A-Z0-9]+)['\"`]")
_EXITS = re.compile(r"\bprocess\s*\.\s*(?:exit|kill|abort|reallyExit)\s*\(|\bexit\s*\(")
_WAITS = re.compile(
    r"\bawait\b|\.(?:then|finally|close|end|disconnect|shutdown|stop|quit|drain|destroy|once|on)\s*\(|"
    r"\bset(?:Timeout|Interval|Immediate)\s*\(|\bPromise\b"
)
_LIBRARIES = frozenset(
    {
        "close-with-grace",
        "http-graceful-shutdown",
        "@godaddy/terminus",
        "node-graceful-shutdown",
        "async-exit-hook",
        "exit-hook",
        "death",
        "shutdown-async",
        "@moebius/http-graceful-shutdown",
        "lightship",
    }
)

Place = Literal["instrumentation", "document", "page"]


@dataclass(frozen=True, slots=True)
class Handler:
    """One place that registers a handler. at_once: it exits without waiting. ends: it ends the process at all."""

    file: str
    line: int
    signals: frozenset[str]
    place: Place
    at_once: bool = False
    ends: bool = True

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True)
class Findings:
    """set_variable: what the unit gets. handlers: those that Next.js really loads."""

    set_variable: bool
    handlers: tuple[Handler, ...] = ()
    warnings: tuple[str, ...] = ()


def examine(files: Mapping[str, str], app: App, setting: Literal["auto"] | bool) -> Findings:
    """Look through the app's sources (path -> text) and decide."""
    found = find_handlers(files)
    loaded, warnings = _loaded(found, files, app)
    stopping = [handler for handler in loaded if "SIGTERM" in handler.signals]
    wanted = bool(stopping) if setting == "auto" else setting
    warnings += _variable_elsewhere(files, app)
    warnings += _about_handlers(loaded, stopping, app, wanted)
    return Findings(wanted, tuple(loaded), tuple(dict.fromkeys(warnings)))


def find_handlers(files: Mapping[str, str]) -> list[Handler]:
    """Every handler in a file that a server of Next.js can reach, with the place it is reached from first."""
    code = {path: code_only(text) for path, text in files.items() if path.endswith(EXTENSIONS)}
    places: dict[str, Place] = {}
    for place in ("instrumentation", "document", "page"):
        pending = [path for path in sorted(code) if _place(path) == place]
        while pending:
            path = pending.pop()
            if path in places:
                continue
            places[path] = place
            targets = (resolve(name, path, code) for name in imported(code[path]))
            pending += [target for target in targets if target and _place(target) in (None, place)]
    return [handler for path, place in places.items() for handler in _handlers(path, code[path], place)]


def _place(path: str) -> Place | None:
    inside = path.removeprefix("src/")
    stem = inside.rpartition("/")[2].partition(".")[0]
    if "/" not in inside:
        return "instrumentation" if stem == "instrumentation" else "page" if stem in ("middleware", "proxy") else None
    if inside.startswith("pages/"):
        return "document" if stem == "_document" and inside.count("/") == 1 else "page"
    return "page" if inside.startswith("app/") else None


def _handlers(path: str, code: str, place: Place) -> list[Handler]:
    found = []
    for call in _CALL.finditer(code):
        signals = frozenset({call["literal"]} if call["literal"] else _NAMED.findall(code))
        signals = frozenset(name for name in signals if name.startswith("SIG"))
        if signals:
            body = _body(
                code, enclosed(code, code.index("(", call.start()))[call.end() - code.index("(", call.start()) - 1 :]
            )
            exits, waits = bool(_EXITS.search(body)), bool(_WAITS.search(body))
            found.append(
                Handler(
                    path,
                    code.count("\n", 0, call.start()) + 1,
                    signals,
                    place,
                    at_once=exits and not waits,
                    ends=exits or waits,
                )
            )
    for name in imported(code):
        if name in _LIBRARIES:
            line = code.count("\n", 0, code.index(name)) + 1
            found.append(Handler(path, line, frozenset({"SIGTERM", "SIGINT"}), place))
    return found


def _body(code: str, handler: str, depth: int = 3) -> str:
    """The handler's text with the functions of this file that it calls or is."""
    text, seen = handler, set[str]()
    for _ in range(depth):
        names = set(re.findall(r"\b([A-Za-z_$][\w$]*)\b(?=\s*(?:\(|\)|,|$|\.bind))", text)) - seen
        seen |= names
        found = [body for name in sorted(names) if (body := definition(code, name)) and body not in text]
        if not found:
            break
        text = "\n".join([text, *found])
    return text


def _loaded(found: list[Handler], files: Mapping[str, str], app: App) -> tuple[list[Handler], list[str]]:
    """The handlers that this version of Next.js loads, and warnings about the others."""
    major, warnings, loaded = app.next_major or 16, [], []
    config = "\n".join(
        code_only(text) for path, text in files.items() if re.fullmatch(r"next\.config\.[cm]?[jt]s", path)
    )
    for handler in found:
        if handler.place == "instrumentation" and major <= 14 and "instrumentationHook" not in config:
            warnings.append(
                f"{handler}: Next.js {app.next_version} does not load instrumentation files"
                + (" without `experimental.instrumentationHook`" if major >= 13 else "")
            )
        elif handler.place == "document" and not _has_pages(files):
            warnings.append(
                f"{handler}: the app has no pages of the pages router, so _document is never loaded; "
                "register the handler in instrumentation.js"
            )
        else:
            loaded.append(handler)
    return loaded, warnings


def _has_pages(files: Mapping[str, str]) -> bool:
    special = {"_app", "_document", "_error", "404", "500"}
    pages = (path.removeprefix("src/") for path in files if path.endswith(EXTENSIONS))
    return any(
        path.startswith("pages/")
        and not path.startswith("pages/api/")
        and path.removeprefix("pages/").partition(".")[0] not in special
        for path in pages
    )


def _variable_elsewhere(files: Mapping[str, str], app: App) -> list[str]:
    found = [
        f"{VARIABLE} in {name} has no effect: Next.js reads it before its env files. "
        "`manual_signal_handling` sets it in the unit"
        for name in ENV_FILES
        if re.search(rf"^\s*(?:export\s+)?{VARIABLE}\s*=", files.get(name, ""), re.MULTILINE)
    ]
    if VARIABLE in app.start:
        found.append(
            f"the script `start` sets {VARIABLE}, but the service does not run that script; "
            "`manual_signal_handling` sets it in the unit"
        )
    return found


def _about_handlers(loaded: list[Handler], stopping: list[Handler], app: App, wanted: bool) -> list[str]:
    found = []
    if not stopping:
        only = sorted({name for handler in loaded for name in handler.signals})
        have = (
            f"a handler for {', '.join(only)} only ({loaded[0]}), and none for SIGTERM, which is what systemd sends"
            if only
            else "no handler for SIGTERM"
        )
        effect = (
            f"{VARIABLE} is set, so a stop cuts off every running request" if wanted else "Next.js handles it by itself"
        )
        if wanted or only or VARIABLE in app.start:
            found.append(f"the app registers {have}: {effect}")
    for handler in stopping:
        if handler.at_once:
            found.append(
                f"{handler}: the handler exits at once, which cuts off every running request; "
                "wait for them before process.exit()"
            )
        elif not handler.ends and wanted:
            found.append(f"{handler}: the handler never ends the process, so a stop takes as long as systemd allows")
        if handler.place != "instrumentation" and wanted:
            found.append(
                f"{handler}: this handler exists only once a page that loads it was asked for; "
                "in instrumentation.js it would be there from the start"
            )
    if stopping and wanted and app.next_major == 13:
        found.append(
            f"Next.js {app.next_version} ignores {VARIABLE}: its server exits at SIGTERM while requests are running"
        )
    return found
