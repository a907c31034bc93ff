"""Carries a deploy out on all hosts of a play: they work side by side, one of them builds, all run that build.

Each host has a thread that goes through the steps of `plan` in order. They meet at three points, kept as futures:
the version of Node.js (the building host decides), the artifact (every host waits for the build), and the first
start (the other hosts switch only after the building host is healthy).
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import tempfile
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from provisioner.actions.base import Driving, content_of
from provisioner.diag import HostUnreachable, ProvisionError
from provisioner.messages import Content
from provisioner.nextjs import artifact, plan
from provisioner.nextjs.detect import App, detect, node_problem
from provisioner.nextjs.plan import Facts, Release
from provisioner.nextjs.registry import registry_here
from provisioner.nextjs.settings import Settings
from provisioner.nextjs.signals import Findings, examine
from provisioner.nextjs.source import Tree, opened, write_archive
from provisioner.nextjs.unit import site_text, unit_text
from provisioner.values import HostName


class StepFailed(ProvisionError):
    """A step failed on a host; `result` is what the host said."""

    def __init__(self, step: str, result: Mapping[str, Any]) -> None:
        super().__init__(f"{step}: {result.get('msg', 'failed')}")
        self.result = result


@dataclass(slots=True)
class Host:
    """One host's way through the steps."""

    call: Driving
    settings: Settings
    facts: Facts = field(default_factory=dict)
    steps: list[dict[str, Any]] = field(default_factory=list)

    @property
    def name(self) -> HostName:
        return self.call.host

    def do(self, step: str, module: str, args: Mapping[str, Any], contents: Sequence[Content] = ()) -> dict[str, Any]:
        """Carry a step out (in check mode: predict it) and show it. Raises `StepFailed`."""
        self.call.progress(step)
        began = time.monotonic()
        result = self.call.call(module, {"name": self.settings.name, **args}, contents=contents)
        self.tell(step, result, ms=(time.monotonic() - began) * 1000)
        if result.get("failed"):
            raise StepFailed(step, result)
        return result

    def tell(self, step: str, result: Mapping[str, Any], *, ms: float = 0.0) -> None:
        status = {key: result[key] for key in ("changed", "failed", "unknown", "skipped") if result.get(key)}
        self.steps.append({"name": step, **(status or {"changed": False})})
        self.call.step(step, result, ms=ms)

    def fine(self, step: str, **result: Any) -> None:
        """A step with nothing to do."""
        self.tell(step, {"changed": False, **result})

    @property
    def common(self) -> dict[str, Any]:
        return {"user": self.settings.user}


@dataclass(frozen=True, slots=True)
class Shipment:
    """A release on its way: what it is, and its archive for the hosts that lack it (None in check mode)."""

    release: Release
    archive: Content | None = None


@dataclass(slots=True)
class Deploy:
    """One build and the hosts that get it. `hosts[0]` builds."""

    hosts: Sequence[Host]
    tree: Tree
    app: App
    findings: Findings
    scratch: Path
    node: Future[str] = field(default_factory=Future)
    shipment: Future[Shipment] = field(default_factory=Future)
    first_start: Future[None] = field(default_factory=Future)

    @property
    def builder(self) -> Host:
        return self.hosts[0]

    def run(self) -> dict[HostName, dict[str, Any]]:
        with ThreadPoolExecutor(len(self.hosts), thread_name_prefix="deploy") as pool:
            looked = list(pool.map(self._guarded(self._look), self.hosts))
            lost = {host.name: answer for host, answer in zip(self.hosts, looked, strict=True) if answer is not None}
            if self.builder.name in lost:
                return self._without_builder(lost)
            able = [host for host in self.hosts if host.name not in lost]
            answers = list(pool.map(self._guarded(self._through), able))
        return {**lost, **{host.name: answer or {} for host, answer in zip(able, answers, strict=True)}}

    def _without_builder(self, lost: dict[HostName, dict[str, Any]]) -> dict[HostName, dict[str, Any]]:
        message = f"nothing was done: {self.builder.name}, which builds, can't be used"
        return {host.name: lost.get(host.name) or {"failed": True, "changed": False, "msg": message} for host in self.hosts}

    def _guarded(self, work: Any) -> Any:
        """`work(host)`, with errors as results, so that one host's failure is its own."""
        def guarded(host: Host) -> dict[str, Any] | None:
            try:
                answer: dict[str, Any] | None = work(host)
                return answer
            except HostUnreachable as error:
                self._give_up(host, error)
                return {"unreachable": True, "changed": False, "msg": error.message}
            except StepFailed as error:
                self._give_up(host, error)
                kept = {key: error.result[key] for key in ("rc", "cmd", "rolled_back_to") if key in error.result}
                return {**kept, **self._summary(host), "failed": True, "msg": error.message}
            except ProvisionError as error:
                self._give_up(host, error)
                return {**self._summary(host), "failed": True, "msg": error.message, **({"hint": error.hint} if error.hint else {})}
            except BaseException as error:
                self._give_up(host, error)  # a bug: the others must not wait for ever
                raise

        return guarded

    def _give_up(self, host: Host, error: BaseException) -> None:
        if host is self.builder:
            for future in (self.node, self.shipment, self.first_start):
                if not future.done():
                    future.set_exception(ProvisionError(f"not gone on with: {host.name}, which goes first, has failed: {_first_line(error)}"))

    # -- the way of one host ---------------------------------------------------------------------------------

    def _look(self, host: Host) -> None:
        """Read everything in one round trip."""
        settings = host.settings
        result = host.call.call("nextjs_status", {
            "name": settings.name, "user": settings.user, "packages": list(plan.all_packages(settings)),
            "env": dict(settings.env), "secrets": dict(settings.secrets), "health": plan.health_question(settings),
        })  # fmt: skip
        if result.get("failed"):
            raise StepFailed("reading the state of the app", result)
        host.facts = result

    def _through(self, host: Host) -> dict[str, Any]:
        self._base(host)
        node = self._node(host)
        release = self._release(host, node)
        changed = self._activate(host, node, release)
        if host is self.builder:
            self.first_start.set_result(None)
        self._health(host, release, changed)
        self._proxy(host)
        self._prune(host, release)
        return {**self._summary(host), "release": release.name, "build_id": release.build_id, "node": node,
                "url": "http://%s:%d/" % (plan.health_question(host.settings)["address"], host.settings.port)}

    def _summary(self, host: Host) -> dict[str, Any]:
        return {"changed": any(step.get("changed") for step in host.steps), "steps": list(host.steps)}

    def _base(self, host: Host) -> None:
        settings, facts = host.settings, host.facts
        missing = plan.missing_packages(settings, facts)
        if missing:
            self._apt(host, missing)
        else:
            host.fine(plan.PACKAGES)
        if facts["user"]:
            host.fine(plan.USER)
        else:
            self._user(host)
        if plan.needs_tree(settings, facts):
            host.do(plan.TREE, "nextjs_tree", host.common)
        else:
            host.fine(plan.TREE)

    def _apt(self, host: Host, missing: Sequence[str]) -> None:
        host.call.progress(plan.PACKAGES)
        began = time.monotonic()
        result = host.call.call("apt", {"name": list(missing), "state": "present", "update_cache": True, "cache_valid_time": 3600})
        host.tell(plan.PACKAGES, result, ms=(time.monotonic() - began) * 1000)
        if result.get("failed"):
            raise StepFailed(plan.PACKAGES, result)

    def _user(self, host: Host) -> None:
        user = host.settings.user
        group = host.call.call("group", {"name": user, "system": True})
        if group.get("failed"):
            raise StepFailed(plan.USER, group)
        args = {"name": user, "group": user, "system": True, "create_home": False, "shell": "/usr/sbin/nologin",
                "home": f"/srv/{host.settings.name}", "comment": f"Next.js app {host.settings.name}"}
        result = host.call.call("user", args)
        host.tell(plan.USER, result)
        if result.get("failed"):
            raise StepFailed(plan.USER, result)

    def _node(self, host: Host) -> str:
        """The exact version; the building host's choice counts for all."""
        settings = host.settings
        wanted = settings.node if host is self.builder else self.node.result()
        version = plan.installed_node(wanted, host.facts)
        if version is not None:
            host.fine(plan.NODE, version=version)
        else:
            result = host.call.call("nextjs_node", _given({
                "version": wanted, "mirror": settings.node_mirror, "registry": settings.npm_registry,
                "fallback_registry": registry_here(),
            }))  # fmt: skip
            host.tell(plan.NODE, result)
            if result.get("failed"):
                raise StepFailed(plan.NODE, result)
            version = str(result["version"])
        if host is self.builder:
            self.node.set_result(version)
        return version

    def _release(self, host: Host, node: str) -> Release:
        if host is self.builder:
            shipment = self._prepare(host, node)
            self.shipment.set_result(shipment)
            return shipment.release
        shipment = self.shipment.result()
        release = shipment.release
        if plan.find_release(release.fingerprint, host.facts):
            host.fine(plan.STAGE, release=release.name)
            self.first_start.result()
            return release
        args = {**host.common, "release": release.name, "about": dict(release.about or {"fingerprint": release.fingerprint})}
        contents: tuple[Content, ...] = ()
        if shipment.archive is not None:
            args["archive"] = shipment.archive.reference()
            contents = (shipment.archive,)
        host.do(plan.STAGE, "nextjs_stage", args, contents)
        self.first_start.result()
        return release

    def _prepare(self, host: Host, node: str) -> Shipment:
        """On the building host: find the release, here or on another host, or build it; pack it for who lacks it."""
        assert self.app.install is not None
        install = artifact.install_key(self.tree.files, self.app, node, host.facts["node"]["machine"])
        fingerprint = artifact.build_fingerprint(self.tree.digest, install, host.settings, self.app)
        name = artifact.release_name(fingerprint)
        holder = next((other for other in self.hosts if other.facts and plan.find_release(fingerprint, other.facts)), None)
        if holder is not None:
            about = plan.find_release(fingerprint, holder.facts)
            release = Release(name, fingerprint, about)
            archive = self._pack(holder, release)
            for step in (plan.SOURCE, plan.INSTALL, plan.BUILD):
                host.fine(step)
            self._stage_here(host, release, archive if holder is not host else None, exists=holder is host)
            return Shipment(release, archive)
        release = self._build(host, node, install, Release(name, fingerprint))
        release = self._stage_here(host, release, None, exists=False)
        return Shipment(release, self._pack(host, release))

    def _stage_here(self, host: Host, release: Release, archive: Content | None, *, exists: bool) -> Release:
        if exists:
            host.fine(plan.STAGE, release=release.name)
            return release
        args: dict[str, Any] = {**host.common, "release": release.name, "about": dict(release.about or {"fingerprint": release.fingerprint})}
        if archive is not None:
            args["archive"] = archive.reference()
        staged = host.do(plan.STAGE, "nextjs_stage", args, (archive,) if archive is not None else ())
        return replace(release, about={**release.about, "modules": staged.get("modules")} if release.about else None)

    def _build(self, host: Host, node: str, install: str, release: Release) -> Release:
        assert self.app.install is not None
        settings, state = host.settings, host.facts["build"]
        self._source(host)
        args = {**host.common, "node": node, "key": install, "command": list(self.app.install.command), "tool": self.app.install.tool,
                "sharp": self.app.sharp, "env": self._registry(settings), "memory_max": settings.build_memory_max}
        if state["install"] == install:
            host.fine(plan.INSTALL)
        else:
            host.do(plan.INSTALL, "nextjs_install", _given(args))
        built = host.do(plan.BUILD, "nextjs_build", _given({
            **host.common, "node": node, "fingerprint": release.fingerprint, "command": list(self.app.install.build),
            "env": {**self._registry(settings), **settings.public_env}, "build_env": dict(settings.build_env),
            "memory_max": settings.build_memory_max,
        }))  # fmt: skip
        if host.call.check:
            return release
        about = {"fingerprint": release.fingerprint, "build_id": built.get("build_id"), "base_path": built.get("base_path") or "",
                 "next": built.get("next"), "node": node, "sharp": bool(self.app.sharp), "source": self.tree.digest,
                 "revision": self.tree.revision, "install": install, "created": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
                 "built_on": host.name}
        return Release(release.name, release.fingerprint, about)

    def _source(self, host: Host) -> None:
        if host.facts["build"]["source"] == self.tree.digest:
            host.fine(plan.SOURCE)
            return
        listing = content_of(json.dumps(dict(self.tree.files), sort_keys=True).encode("utf-8", "surrogateescape"))
        args = {**host.common, "digest": self.tree.digest, "files": listing.reference()}
        contents = [listing]
        if not host.call.check:
            packed = _content(self.scratch / "source.tar.gz", lambda path: write_archive(self.tree, path))
            args["archive"] = packed.reference()
            contents.append(packed)
        host.do(plan.SOURCE, "nextjs_source", args, contents)

    def _registry(self, settings: Settings) -> dict[str, str]:
        return {"npm_config_registry": settings.npm_registry} if settings.npm_registry else {}

    def _pack(self, holder: Host, release: Release) -> Content | None:
        """The release as an archive, if any host lacks it."""
        lacking = [host for host in self.hosts if host is not holder and host.facts and not plan.find_release(release.fingerprint, host.facts)]
        if not lacking or holder.call.check:
            return None
        modules = release.about.get("modules") if release.about else None
        whole = not modules or any(modules not in plan.known_modules(host.facts) for host in lacking)
        path = self.scratch / "release.tar.gz"
        holder.call.progress("packing the release")
        with path.open("wb") as sink:
            args = {"name": holder.settings.name, "release": release.name, "modules": whole}
            result = holder.call.call("nextjs_pack", args, sink=sink)
        if result.get("failed"):
            raise StepFailed("packing the release", result)
        content = _content(path, lambda path: None)
        if content.sha256 != result["sha256"]:
            raise StepFailed("packing the release", {"msg": "the archive arrived with another checksum than it was sent with"})
        return content

    def _activate(self, host: Host, node: str, release: Release) -> bool:
        settings, facts = host.settings, host.facts
        unit = unit_text(settings, node=node, machine=facts["node"]["machine"], sharp=bool(self.app.sharp),
                         manual_signal_handling=self.findings.set_variable)
        why = plan.reasons_to_activate(settings, facts, release, unit)
        if not why:
            host.fine(plan.ACTIVATE, release=release.name, pid=facts["service"]["pid"])
            return False
        host.do(plan.ACTIVATE, "nextjs_activate", _given({
            "release": release.name, "build_id": release.build_id, "base_path": release.base_path, "unit": unit,
            "env": dict(settings.env), "secrets": dict(settings.secrets), "health": plan.health_question(settings), "why": list(why),
        }))  # fmt: skip
        return True

    def _health(self, host: Host, release: Release, activated: bool) -> None:
        """An activation has asked already; else what the first look found counts, or it is waited for."""
        if activated or host.facts["unhealthy"] is None:
            host.fine(plan.HEALTH)
            return
        host.do(plan.HEALTH, "nextjs_health", _given({
            "health": plan.health_question(host.settings), "build_id": release.build_id, "base_path": release.base_path}))

    def _proxy(self, host: Host) -> None:
        if host.settings.proxy == "none":
            return
        text = site_text(host.settings, ipv6=host.facts["proxy"]["ipv6"])
        if plan.needs_proxy(host.settings, host.facts, text):
            host.do(plan.PROXY, "nextjs_proxy", {"text": text, "only": not host.settings.domains})
        else:
            host.fine(plan.PROXY)

    def _prune(self, host: Host, release: Release) -> None:
        if plan.needs_prune(host.settings, host.facts, release):
            host.do(plan.PRUNE, "nextjs_prune", {"keep": host.settings.keep, "arriving": release.name})


def deploy(calls: Sequence[Driving], all_settings: Sequence[Settings]) -> dict[HostName, dict[str, Any]]:
    """Deploy on all hosts; those that can't share a build are done group by group."""
    results: dict[HostName, dict[str, Any]] = {}
    for group in plan.one_build(all_settings):
        hosts = [Host(calls[position], all_settings[position]) for position in group]
        results.update(_deploy_group(hosts))
    return results


def _deploy_group(hosts: Sequence[Host]) -> dict[HostName, dict[str, Any]]:
    first, settings = hosts[0].call, hosts[0].settings
    cache = Path(first.cache_dir) / "nextjs"
    cache.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as stack:
        try:
            tree = stack.enter_context(opened(settings.source, first.search, settings.exclude, cache))
        except ProvisionError as error:
            return {host.name: {"failed": True, "changed": False, "msg": error.message, "hint": error.hint} for host in hosts}
        texts = tree.texts()
        app = detect(texts)
        problems = [*app.errors, *([found] if (found := node_problem(app, settings.node)) else [])]
        if problems:
            message = "; ".join(problems)
            return {host.name: {"failed": True, "changed": False, "msg": f"the app can't be deployed: {message}"} for host in hosts}
        findings = examine(texts, app, settings.manual_signal_handling)
        for warning in (*app.warnings, *findings.warnings):
            first.warn(warning)
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=cache)))
        return Deploy(hosts, tree, app, findings, scratch).run()


def _given(args: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in args.items() if value is not None}


def _content(path: Path, make: Any) -> Content:
    make(path)
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        for piece in iter(lambda: stream.read(1 << 20), b""):
            digest.update(piece)
    return Content(digest.hexdigest(), path.stat().st_size, path=path)


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
