"""The settings of an app, as one typed and checked value. A group that is a mapping has a file of its own here."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from provisioner.nextjs.settings import (
    assets,
    bucket,
    build,
    cron,
    headers,
    health,
    hooks,
    https,
    mode,
    package_manager,
    variables,
)
from provisioner.nextjs.settings.assets import Assets
from provisioner.nextjs.settings.bucket import Bucket
from provisioner.nextjs.settings.build import Build
from provisioner.nextjs.settings.common import as_text
from provisioner.nextjs.settings.cron import Job
from provisioner.nextjs.settings.health import Health
from provisioner.nextjs.settings.hooks import Hooks
from provisioner.nextjs.settings.https import Https
from provisioner.nextjs.settings.mode import MODES, Mode
from provisioner.nextjs.settings.package_manager import PackageManager
from provisioner.nextjs.settings.source import Artifact, Directory, Git, Source, directory
from provisioner.nextjs.settings.source import read as read_source
from provisioner.nextjs.settings.variables import PUBLIC, kept
from provisioner.remote.nextjs.layout import SLOTS
from provisioner.remote.spec import Arg, ArgumentError, Problem, Spec
from provisioner.values import Secret

__all__ = ["PUBLIC", "SPEC", "Artifact", "Directory", "Git", "Health", "Settings", "read_settings"]

SPEC = Spec(
    name="nextjs_app",
    summary="Build and run a Next.js app",
    check="predict",
    identity=("name",),
    args={
        "name": Arg(required=True, doc="The app: names its service, its user and `/srv/<name>`"),
        "source": Arg(
            type="raw",
            required=True,
            doc="The app's directory, relative to the playbook; `git: {repo, version, path}`; or a build: `artifact`",
        ),
        "app": Arg(
            doc="The app's directory in the source, where that is a workspace; by default the one package that needs "
            "`next`",
        ),
        "package_manager": Arg(
            type="raw",
            doc="The package manager (pnpm@9.15.0, or a mapping of name and version); by default the one that "
            "`packageManager` in package.json and the lockfile name",
        ),
        "exclude": Arg(type="list", elements="str", default=[], doc="Paths of the source to leave out, with `*`"),
        "node": Arg(type="str", default="22", doc='Node.js: a major version ("22") or an exact one ("22.23.3")'),
        "mode": Arg(
            default="auto",
            choices=MODES,
            doc="What a release is: server (the full tree), standalone (only what the server needs), static (files "
            "without a server), docker; auto follows `output` of next.config",
        ),
        "domain": Arg(type="list", elements="str", default=[], doc="Names the app answers for; none: every name"),
        "port": Arg(
            type="int",
            default=3000,
            doc="The first of the app's ports: behind a web server it has three for each instance",
        ),
        "instances": Arg(type="int", default=1, doc="How many processes of the app run on each host"),
        "listen": Arg(default="127.0.0.1", doc="The address the app itself listens on"),
        "env": Arg(
            type="dict", default={}, doc="Variables of the running app; those named NEXT_PUBLIC_… are also in the build"
        ),
        "build_env": Arg(type="dict", default={}, doc="Variables of the build only"),
        "secrets": Arg(
            type="dict", default={}, secret=True, doc="Variables of the running app that must never be shown"
        ),
        "credentials": Arg(
            type="dict",
            default={},
            secret=True,
            doc="Secrets as files: systemd hands them to the app, which reads `$CREDENTIALS_DIRECTORY/<name>`",
        ),
        "user": Arg(doc="The system user the app runs as; by default its name"),
        "manual_signal_handling": Arg(
            type="raw",
            default="auto",
            doc="Whether NEXT_MANUAL_SIG_HANDLE is set: auto (when the app "
            "registers a handler for SIGTERM), true or false",
        ),
        "build": Arg(type="dict", options=build.OPTIONS, default={}, doc="Where the app is built"),
        "assets": Arg(
            type="dict", options=assets.OPTIONS, default={}, doc="How long `_next/static` of earlier releases stays"
        ),
        "health": Arg(type="dict", options=health.OPTIONS, default={}, doc="How to tell that the app is well"),
        "bucket": Arg(
            type="dict", options=bucket.OPTIONS, doc="With `mode: static`: the S3 or Spaces bucket to publish to too"
        ),
        "hooks": Arg(type="dict", options=hooks.OPTIONS, default={}, doc="Your own commands at points of a release"),
        "cron": Arg(type="list", elements="dict", options=cron.OPTIONS, default=[], doc="Jobs that run by the clock"),
        "drain": Arg(
            type="float", default=3.0, doc="Seconds that pass at least between the switch and the old release's end"
        ),
        "watch": Arg(
            type="float",
            default=5.0,
            doc="Seconds the new release is watched after the switch; the old one takes over again if it fails",
        ),
        "previous": Arg(
            default="stop",
            choices=("stop", "run", "route"),
            doc="The release before: stopped, kept running to go back to at once, or kept for the pages it made, too",
        ),
        "rollout": Arg(
            type="list",
            elements="raw",
            default=[1, "100%"],
            doc="How many hosts switch together, wave by wave, as a number or a share of all; the last one is repeated",
        ),
        "keep": Arg(type="int", default=5, doc="How many releases stay on a host"),
        "jemalloc": Arg(
            type="bool", default=True, doc="Run with jemalloc: half the memory after images were optimised"
        ),
        "memory_max": Arg(type="size", doc="Memory the running app may use (900M); no limit when not given"),
        "build_memory_max": Arg(
            type="size", doc="Memory the build may use; by default what is available on the host but for a rest"
        ),
        "swap": Arg(type="size", doc="Swap that each host has at least (2G), by a swap file; none is made without it"),
        "proxy": Arg(default="nginx", choices=("nginx", "caddy", "none"), doc="The web server in front of the app"),
        "https": Arg(
            type="raw",
            default="off",
            doc="Whether the web server speaks HTTPS: off, `certificate:` and `key:` (files), or `acme: {email}`",
        ),
        "headers": Arg(
            type="dict",
            default={},
            doc="Headers the web server adds where the app sets none; null takes one of its own away",
        ),
        "node_mirror": Arg(default="https://nodejs.org/dist", doc="Where Node.js is downloaded from"),
        "npm_registry": Arg(doc="The npm registry; by default the host's own npm settings"),
    },
    notes="The first host of the play builds, and all run that build. Without a change nothing is built or restarted.",
    examples="""
- name: Run the shop
  nextjs_app:
    name: shop
    source: ../shop
    domain: shop.example.com

- name: Run the blog from its repository
  nextjs_app:
    name: blog
    source:
      git: {repo: "https://git.example.com/blog.git", version: v1.4.0}
    node: "22"
    port: 3010
    domain: [blog.example.com, www.blog.example.com]
    env:
      NEXT_PUBLIC_API: https://api.example.com
    health: {path: /api/health, timeout: 30}
    memory_max: 900M
""",
    returns={
        "release": "The release that runs",
        "build_id": "What Next.js calls the build",
        "url": "Where the app answers on the host",
        "steps": "What was done, step by step",
    },
)

_NAME = re.compile(r"[a-z][a-z0-9-]{0,30}")
_NODE = re.compile(r"v?(\d{1,3})(\.\d+\.\d+)?")
_LABEL = r"[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?"
_DOMAIN = re.compile(rf"(?:\*\.)?{_LABEL}(?:\.{_LABEL})*")
_ADDRESS = re.compile(r"[0-9a-fA-F:.]+")


@dataclass(frozen=True, slots=True)
class Settings:
    """One app on one host. `env` never holds a `Secret`: such values are moved to `secrets`."""

    name: str
    source: Source
    app: str | None
    """In the source; None where it has to be looked for, "" for the top."""
    package_manager: PackageManager | None
    exclude: tuple[str, ...]
    node: str
    mode: Mode
    domains: tuple[str, ...]
    port: int
    instances: int
    previous: Literal["stop", "run", "route"]
    listen: str
    env: Mapping[str, str]
    build_env: Mapping[str, str | Secret]
    secrets: Mapping[str, str | Secret]
    credentials: Mapping[str, str | Secret]
    user: str
    manual_signal_handling: Literal["auto"] | bool
    build: Build
    assets: Assets
    health: Health
    bucket: Bucket | None
    hooks: Hooks
    cron: tuple[Job, ...]
    drain: float
    watch: float
    rollout: tuple[int | str, ...]
    keep: int
    jemalloc: bool
    memory_max: int | None
    build_memory_max: int | None
    swap: int | None
    proxy: Literal["nginx", "caddy", "none"]
    https: Https
    headers: Mapping[str, str]
    node_mirror: str
    npm_registry: str | None

    @property
    def in_slots(self) -> bool:
        """Whether releases take turns; without a web server in front, one service is restarted in place."""
        return self.proxy != "none"

    def port_of(self, slot: str, instance: int = 1) -> int:
        """The slots' ports lie between each other, so that more instances never take those of a slot that runs."""
        return self.port + (SLOTS.index(slot) + len(SLOTS) * (instance - 1) if slot in SLOTS else 0)

    @property
    def ports(self) -> tuple[int, ...]:
        """All that the app listens on at one time or another."""
        if self.mode == "static":
            return ()
        if not self.in_slots:
            return (self.port,)
        return tuple(range(self.port, self.port + len(SLOTS) * self.instances))

    def upstreams_of(self, slot: str) -> tuple[str, ...]:
        """address:port of each instance in a slot, for a web server on the same host."""
        address = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.listen, self.listen)  # noqa: S104 - compared only
        host = f"[{address}]" if ":" in address else address
        return tuple(f"{host}:{self.port_of(slot, number + 1)}" for number in range(self.instances))

    @property
    def public_env(self) -> dict[str, str]:
        """What is frozen into the pages when they are built."""
        return {name: value for name, value in self.env.items() if name.startswith(PUBLIC)}


def read_settings(args: Mapping[str, Any]) -> Settings:
    """Settings from rendered arguments; `ArgumentError` with everything that is wrong."""
    found = SPEC.problems(args)
    if found:
        raise ArgumentError(found)
    a = SPEC.bind(args)
    found_source = read_source(a.source, found)
    manager = package_manager.read(a.package_manager, found)
    found.extend(_problems(a))
    if found or found_source is None:
        raise ArgumentError(found)
    hidden = {name: value for name, value in a.env.items() if isinstance(value, Secret)}
    return Settings(
        name=a.name, source=found_source, app=None if a.app is None else directory(a.app), package_manager=manager,
        exclude=tuple(a.exclude), node=a.node.lstrip("v"), mode=a.mode, domains=tuple(a.domain), port=a.port,
        instances=a.instances, previous=a.previous, drain=a.drain, watch=a.watch, rollout=tuple(a.rollout),
        listen=a.listen, env={name: as_text(value) for name, value in a.env.items() if name not in hidden},
        build_env={name: kept(value) for name, value in a.build_env.items()},
        secrets={**hidden, **{name: kept(value) for name, value in a.secrets.items()}},
        credentials={name: kept(value) for name, value in a.credentials.items()},
        user=a.user or a.name, manual_signal_handling=_tristate(a.manual_signal_handling),
        build=build.read(a.build), assets=assets.read(a.assets), health=health.read(a.health),
        bucket=bucket.read(a.bucket), hooks=hooks.read(a.hooks), cron=cron.read(a.cron), keep=a.keep,
        jemalloc=a.jemalloc, memory_max=a.memory_max, build_memory_max=a.build_memory_max, swap=a.swap, proxy=a.proxy,
        https=https.read(a.https), headers=headers.read(a.headers), node_mirror=a.node_mirror,
        npm_registry=a.npm_registry,
    )  # fmt: skip


def _problems(a: Any) -> Iterator[Problem]:
    """What a Spec can't say."""
    if not _NAME.fullmatch(a.name):
        yield Problem(
            "name",
            f"`name: {a.name}` can't name a service and a user",
            "use a-z, 0-9 and -, at most 31 characters, a letter first",
        )
    if a.user is not None and not _NAME.fullmatch(a.user):
        yield Problem("user", f"`user: {a.user}` is no name for a system user", "use a-z, 0-9 and -, a letter first")
    if a.user == "root":
        yield Problem("user", "the app must not run as root", "leave `user` out")
    if not _NODE.fullmatch(a.node):
        yield Problem(
            "node",
            f"`node: {a.node}` is neither a major version nor an exact one",
            'write it like "22" or "22.23.3", in quotes',
        )
    if a.app is not None and directory(a.app) is None:
        yield Problem("app", f"`app: {a.app}` is not a directory in the source", "as in apps/web")
    for domain in a.domain:
        if not _DOMAIN.fullmatch(domain):
            yield Problem("domain", f"`{domain}` is not a domain name", "without https://, port and path")
    yield from _port_problems(a)
    for name in ("drain", "watch"):
        if not 0 <= getattr(a, name) <= 600:
            yield Problem(name, f"`{name}: {getattr(a, name):g}` is not between 0 and 600 seconds")
    if not a.rollout or not all(is_wave(wave) for wave in a.rollout):
        yield Problem("rollout", f"`rollout: {a.rollout}` must list numbers of hosts and shares", 'as in [1, "50%"]')
    if not _ADDRESS.fullmatch(a.listen):
        yield Problem("listen", f"`listen: {a.listen}` is not an address")
    if a.keep < 1:
        yield Problem("keep", "`keep` must be at least 1")
    yield from build.problems(a.build)
    yield from assets.problems(a.assets)
    if a.swap is not None and not 16 << 20 <= a.swap <= 64 << 30:
        yield Problem("swap", f"`swap: {a.swap >> 20}M` is not between 16M and 64G")
    yield from health.problems(a.health, proxy=a.proxy)
    yield from mode.problems(a.mode)
    yield from hooks.problems(a.hooks)
    yield from cron.problems(a.cron)
    yield from https.problems(a.https, proxy=a.proxy, domains=a.domain)
    yield from headers.problems(a.headers, https=a.https not in (False, "off"))
    yield from bucket.problems(a.bucket)
    if a.manual_signal_handling not in ("auto", True, False, "true", "false", "yes", "no"):
        yield Problem("manual_signal_handling", f"`{a.manual_signal_handling}` is none of auto, true, false")
    yield from variables.problems(a)
    yield from variables.problems_of_credentials(a.credentials)


def is_wave(wave: object) -> bool:
    if isinstance(wave, str):
        return bool(re.fullmatch(r"\d{1,9}|100%|[1-9]\d?%", wave)) and wave.strip("0") != ""
    return isinstance(wave, int) and not isinstance(wave, bool) and wave > 0


def _port_problems(a: Any) -> Iterator[Problem]:
    if not 1 <= a.instances <= 64:
        yield Problem("instances", f"`instances: {a.instances}` is not between 1 and 64")
        return
    if a.proxy == "none" and a.instances > 1:
        yield Problem("instances", "several instances need a web server in front that shares the requests out",
                      "leave `proxy: none` out")  # fmt: skip
    last = 65535 if a.proxy == "none" else 65536 - len(SLOTS) * a.instances
    if not 1024 <= a.port <= last:
        yield Problem("port", f"`port: {a.port}` is not between 1024 and {last}",
                      "the app does not run as root; the proxy has port 80")  # fmt: skip
    if a.proxy == "none" and a.previous != "stop":
        yield Problem("previous", f"`previous: {a.previous}` needs a web server in front", "leave `proxy: none` out")


def _tristate(value: Any) -> Literal["auto"] | bool:
    if value == "auto":
        return "auto"
    return value if isinstance(value, bool) else value in ("true", "yes")
