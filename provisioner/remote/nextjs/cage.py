"""Runs the project's own programs: as the app's user, in a control group with a memory limit, output shown live.

Without the limit a build that needs more memory than there is gets the app killed that is serving meanwhile.
"""

from __future__ import annotations

import os
import re
from typing import Dict, List, Mapping, Optional, Sequence

from provisioner.remote.nextjs.layout import Layout
from provisioner.remote.sdk import Completed, Ctx

_PASSED = ("http_proxy", "https_proxy", "no_proxy", "node_extra_ca_certs", "ssl_cert_file")
CA_BUNDLES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt")
_COLOURS = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
LEFT_FREE = 128 << 20  # bytes of available memory that a build may not touch
LEAST = 256 << 20


def environment(ctx: Ctx, layout: Layout, node: str, extra: "Mapping[str, str]") -> "Dict[str, str]":
    """Variables for install and build. Of the host's own only what decides about the network is taken over."""
    values = {
        name: value
        for name, value in os.environ.items()
        if name.lower() in _PASSED or name.lower().startswith("npm_config_")
    }
    bundle = next((path for path in CA_BUNDLES if ctx.stat(path, follow=True)), None)
    if bundle:
        values.setdefault("NODE_EXTRA_CA_CERTS", bundle)  # Node has a list of its own and ignores the host's
    values.update(
        {
            "PATH": "%s/node_modules/.bin:%s/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
            % (layout.tools, layout.node_home(node)),
            "HOME": layout.home,
            "LANG": "C.UTF-8",
            "NODE_COMPILE_CACHE": layout.home + "/.cache/node-compile",
            "NEXT_TELEMETRY_DISABLED": "1",
            "NO_COLOR": "1",
            "npm_config_update_notifier": "false",
            "npm_config_audit": "false",
            "npm_config_fund": "false",
        }
    )
    values.update(ctx.environment)
    values.update(extra)
    return values


def run(
    ctx: Ctx,
    layout: Layout,
    user: "Optional[str]",
    argv: "Sequence[str]",
    env: "Mapping[str, str]",
    *,
    memory_max: "Optional[int]" = None,
    cwd: "Optional[str]" = None,
    timeout: "Optional[float]" = None,
) -> Completed:
    """Run it and give what came out. Nothing it started stays behind: its control group is ended, also when it takes
    longer than `timeout` seconds, which raises `ModuleFailed`."""
    # The same host may run the app and build it for others at the same time.
    scope = "%s-%s.scope" % (layout.name, "workplace" if layout.place else "build")
    command = [*(as_user(user) if user else ()), *argv]
    caged = os.geteuid() == 0 and ctx.stat("/run/systemd/system") is not None and ctx.which("systemd-run") is not None
    if caged:
        ctx.run(["systemctl", "stop", scope], timeout=60)  # of a run whose controller went away
        limit = memory_max or allowance(ctx)
        command = [
            "systemd-run",
            "--scope",
            "--quiet",
            "--collect",
            "--unit",
            scope,
            "--nice",
            "5",
            "--property",
            "MemoryMax=%d" % limit,
            "--",
            *command,
        ]
    try:
        named = {**env, "USER": user} if user else env
        return ctx.run(command, cwd=cwd or layout.tree, env=named, live=True, umask=0o022, timeout=timeout)
    finally:
        if caged:
            ctx.run(["systemctl", "stop", scope], timeout=60)


def as_user(user: str) -> "List[str]":
    """Put before a command line to run it as `user`. Unlike `runuser` it leaves the environment alone, HOME too."""
    return ["setpriv", "--reuid", user, "--regid", user, "--init-groups", "--no-new-privs", "--"]


def allowance(ctx: Ctx) -> int:
    """Bytes a build may use: what is available now but for a rest, so that the kernel never has to choose."""
    memory = meminfo(ctx)
    return max(memory.get("MemAvailable", 0) - LEFT_FREE, LEAST)


def meminfo(ctx: Ctx) -> "Dict[str, int]":
    """/proc/meminfo in bytes."""
    found = {}
    for line in (ctx.read_text("/proc/meminfo") or "").splitlines():
        name, _, rest = line.partition(":")
        number = rest.split()
        if number and number[0].isdigit():
            found[name] = int(number[0]) * 1024
    return found


def last_lines(done: Completed, count: int = 15) -> str:
    """The end of what a program said, both streams, without blank lines and colours."""
    text = _COLOURS.sub("", done.stdout + "\n" + done.stderr)
    lines = [line.rstrip() for line in text.splitlines() if line.strip()]
    return "\n".join(lines[-count:])


def was_killed(done: Completed) -> bool:
    """Whether it ended as one does that ran out of memory. npm passes on its child's 137, or says `Killed`."""
    return done.rc in (137, -9) or "Killed" in last_lines(done, 3) or "heap out of memory" in last_lines(done, 30)
