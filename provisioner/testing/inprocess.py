"""One module in this very process, for unit tests: the real context and framework, no runner and no host."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import IO, Any

from provisioner.messages import Content
from provisioner.remote.context import Context, Services, Task
from provisioner.remote.plain import plain
from provisioner.remote.sdk import ModuleFailed
from provisioner.remote.statecycle import execute

MODULES = "provisioner.remote.modules."


class _NobodyWatches:
    """A controller that never says anything."""

    ended = False
    cancelled = False

    def fileno(self) -> int:
        return -1

    def pump(self) -> None:
        """Nothing ever comes."""


@dataclass(frozen=True)
class _Given:
    """Contents handed over with the call; what is sent up is collected."""

    contents: Mapping[str, bytes]
    sent: io.BytesIO

    def open(self, ref: Mapping[str, Any]) -> IO[bytes]:
        if ref["sha256"] not in self.contents:
            raise ModuleFailed(f"the test gave no content {ref['sha256']}")
        return io.BytesIO(self.contents[ref["sha256"]])

    def ask_ahead(self, refs: Iterable[Mapping[str, Any]]) -> None:
        """All is here already."""

    def send(self, source: IO[bytes]) -> int:
        return self.sent.write(source.read())


def make_context(module: str = "test", *, check: bool = False, diff: bool = False, env: Mapping[str, str] | None = None,
                 predicted: Mapping[str, Mapping[str, Any]] | None = None, contents: Iterable[Content] = (),
                 home: Path | None = None, umask: int = 0o022, live: list[tuple[str, bytes]] | None = None,
                 sent: io.BytesIO | None = None) -> Context:
    """A real `Context` in this process. `live` collects (stream, bytes), `sent` what `ctx.send` sends up."""
    heard: list[tuple[str, bytes]] = live if live is not None else []

    def call(context: Context, name: str, args: Mapping[str, Any]) -> dict[str, Any]:
        return execute(import_module(MODULES + name), context.for_module(name), args)

    services = Services(
        _NobodyWatches(), _Given({c.sha256: c.data or b"" for c in contents}, sent or io.BytesIO()),
        lambda stream, data: heard.append((stream, data)), lambda: None, call,
        str(home or os.path.expanduser("~")), umask,
    )  # fmt: skip
    return Context(Task(module, check, diff, env or {}, predicted or {}), services)


def run_module(name: str, args: Mapping[str, Any], *, check: bool = False, diff: bool = False, verify: bool = False,
               **options: Any) -> dict[str, Any]:
    """The result of one module, as the controller would get it. `options` are those of `make_context`."""
    context = make_context(name, check=check, diff=diff, **options)
    try:
        result = execute(import_module(MODULES + name), context, args, verify=verify)
    finally:
        context.close()
    if context.warnings:
        result["warnings"] = [*result.get("warnings", ()), *context.warnings]
    return dict(json.loads(json.dumps(plain(result))))
