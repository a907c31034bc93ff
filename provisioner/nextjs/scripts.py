"""What the scripts `build` and `start` of package.json promise and the service does not keep. Pure."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

from provisioner.nextjs.detect import App
from provisioner.nextjs.findings import Finding
from provisioner.nextjs.settings import Settings
from provisioner.nextjs.signals import VARIABLE

_ASSIGNMENT = re.compile(r"([A-Za-z_]\w*)=(.*)", re.DOTALL)
_WRAPPERS = frozenset({"npx", "cross-env", "env", "exec", "yarn", "pnpm", "bunx", "dotenv", "--"})
_FLAGS_WITH_VALUE = frozenset({"-p", "--port", "-H", "--hostname", "--keepAliveTimeout"})


def build_script(app: App) -> Iterator[Finding]:
    script = app.scripts.get("build", "")
    elsewhere = re.search(r"\b(npm|yarn|pnpm|bun|turbo|nx|make|sh|bash|node)\b|\./", script)
    if script and "next build" not in script and not elsewhere:
        yield Finding(f"the script `build` is `{script}`, which does not run `next build`: there will be no .next to "
                      "start", 'make it "next build"', stops=True, at_build=True)  # fmt: skip


def start_script(app: App, settings: Settings) -> Iterator[Finding]:
    """What the script `start` does beside starting the server: the service does not run the script."""
    if "next start" not in app.start:
        yield from _other_server(app, settings)
        return
    for command in re.split(r"&&|\|\||;", app.start):
        words = _words(command)
        if "start" in words and any(word == "next" or word.endswith("/next") for word in words):
            at = words.index("start")
            yield from _start_variables(words[:at], settings)
            yield from _start_flags(words[at + 1 :], settings)
        elif words:
            yield Finding(
                f"the script `start` runs `{command.strip()}` beside `next start`, but the service does not run "
                "that script", "do it in a task of the playbook, or in the script `build`")  # fmt: skip


def _other_server(app: App, settings: Settings) -> Iterator[Finding]:
    runs = "the server.js of the build" if settings.mode == "standalone" else "`next start`"
    if app.start and not (settings.mode == "standalone" and re.search(r"\.next/standalone/\S*server\.js", app.start)):
        yield Finding(f"the script `start` is `{app.start}`, but the service runs {runs}",
                      "see that it does without what the script does")  # fmt: skip


def _start_variables(words: list[str], settings: Settings) -> Iterator[Finding]:
    for word in words:
        found = _ASSIGNMENT.fullmatch(word)
        if found is None or found[1] in (VARIABLE, "NODE_ENV"):  # `signals` tells about the one; the unit has the other
            continue
        name, value = found[1], found[2]
        if name == "HOSTNAME":
            yield Finding(f"the script `start` sets HOSTNAME={value}, which `next start` does not read: started by "
                          f"hand it listens on every address; the service listens on {settings.listen}",
                          "take it out of the script; `listen` and `-H` say where to listen")  # fmt: skip
        elif name == "PORT":
            yield from _port(value, settings)
        elif settings.env.get(name) != value and name not in settings.secrets:
            yield Finding(f"the script `start` sets {name}, but the service does not run that script",
                          f"give {name} in `env`")  # fmt: skip


def _start_flags(words: list[str], settings: Settings) -> Iterator[Finding]:
    pending = [part for word in words for part in (word.split("=", 1) if word.startswith("--") else [word])]
    while pending:
        word = pending.pop(0)
        value = pending.pop(0) if word in _FLAGS_WITH_VALUE and pending else ""
        if word in ("-p", "--port"):
            yield from _port(value, settings)
        elif word in ("-H", "--hostname"):
            if value != settings.listen:
                yield Finding(f"the script `start` says `{word} {value}`, but the service listens on "
                              f"{settings.listen}", "`listen` says where")  # fmt: skip
        elif word == "--keepAliveTimeout":
            yield Finding(f"the script `start` says `--keepAliveTimeout {value}`, which the service does not get: "
                          "behind a proxy on the same host it only makes a stop last longer",
                          "take it out of the script")  # fmt: skip
        elif word.startswith("-"):
            yield Finding(f"the script `start` says `{word}`, which the service does not get",
                          "take it out of the script if the app does not need it")  # fmt: skip
        elif word != ".":
            yield Finding(f"the script `start` starts the app in `{word}`, but the service starts the one in "
                          f"{settings.app or 'the top of the source'}", f"set `app: {word}`")  # fmt: skip


def _port(value: str, settings: Settings) -> Iterator[Finding]:
    if re.fullmatch(r"\d+", value) and int(value) not in settings.ports:
        yield Finding(f"the script `start` says port {value}, but the service listens on {settings.port}",
                      f"if something asks the app directly, set `port: {value}`")  # fmt: skip


def _words(command: str) -> list[str]:
    """Of a shell command, without the programs that only start another."""
    try:
        words = shlex.split(command)
    except ValueError:
        words = command.split()
    return [word for word in words if word not in _WRAPPERS]
