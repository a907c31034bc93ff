"""What a release is: the full tree, what the server needs of it, or files alone. By the settings or by the app. Pure.

`output: 'standalone'` need not stand in next.config: every Next.js since 12.2 takes it from a variable of the build
where the configuration says nothing (`provisioner.remote.nextjs.contents`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace

from provisioner.nextjs import next_config
from provisioner.nextjs.detect import App
from provisioner.nextjs.export import is_exported, of_export
from provisioner.nextjs.findings import Finding
from provisioner.nextjs.settings import Settings
from provisioner.nextjs.settings.mode import Mode

_BY_OUTPUT: Mapping[str | None, Mode] = {"standalone": "standalone"}
STANDALONE_SINCE = (12, 2)


def decided(settings: Settings, app: App) -> Settings:
    """The settings with what they leave to the app's files."""
    by_app = "static" if is_exported(app) else _BY_OUTPUT.get(app.output, "server")
    mode = by_app if settings.mode == "auto" else settings.mode
    return replace(settings, mode=mode, app=app.path)


def mode_findings(files: Mapping[str, str], app: App, settings: Settings) -> Iterator[Finding]:
    """What prevents the mode. `files`: the app's own; `settings`: decided."""
    name = next_config.read_config(files)
    version = re.match(r"(\d+)\.(\d+)", app.next_version or "")
    if settings.mode == "standalone" and version and (int(version[1]), int(version[2])) < STANDALONE_SINCE:
        yield Finding(f"`mode: standalone` needs Next.js 12.2, and this is {app.next_version}",
                      "update `next`, or set `mode: server`", stops=True)  # fmt: skip
    if settings.bucket and settings.mode != "static":
        yield Finding(f"`bucket` is for files without a server, and this is `mode: {settings.mode}`",
                      "set `mode: static`, or leave `bucket` out", stops=True)  # fmt: skip
    if settings.credentials and settings.mode == "static":
        yield Finding("`credentials` are for the app's service, and an exported app has none",
                      "leave them out; what its build needs is `build_env`", stops=True)  # fmt: skip
    if settings.cron and settings.mode == "static":
        yield Finding("`cron` is for apps with a server: an exported one has none to ask and no Node.js to run with",
                      "leave it out, or use the module `cron`", stops=True)  # fmt: skip
    if settings.mode == "static":
        yield from of_export(files, app)
    elif app.output == "export":
        yield Finding(f"`output: 'export'` in {name} makes files without a server, so there is nothing for "
                      f"`mode: {settings.mode}` to start", "leave `mode` out, or take it out of the configuration",
                      stops=True)  # fmt: skip
    elif settings.mode == "server" and app.output == "standalone":
        yield Finding(f"`output: 'standalone'` in {name} is not used with `mode: server`: the service runs "
                      "`next start` on the full tree", "leave `mode` out, or take it out of the configuration",
                      at_build=True)  # fmt: skip
    elif app.output is None:
        yield from (_conditional(str(name), value) for value in next_config.values(files, "output")
                    if re.search(r"['\"`]export['\"`]", value))  # fmt: skip


def _conditional(name: str, value: str) -> Finding:
    return Finding(f"{name} sets `output` to 'export' under some condition ({value}); if it holds on the host, there "
                   "is no server to start", "see that it does not", at_build=True)  # fmt: skip
