"""Gets the release to run: finds it, or builds it; packs for each host that lacks it what that host does not have."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from provisioner.actions.base import content_of
from provisioner.diag import ProvisionError
from provisioner.messages import Content
from provisioner.nextjs import artifact, hooks, plan, workplace
from provisioner.nextjs.detect import App
from provisioner.nextjs.export import export_command
from provisioner.nextjs.hosts import Host, StepFailed
from provisioner.nextjs.managers import Install
from provisioner.nextjs.plan import Release
from provisioner.nextjs.preflight_host import Share
from provisioner.nextjs.settings.build import CONTROLLER, FIRST
from provisioner.nextjs.source import Tree, write_archive
from provisioner.nextjs.workspace import own_files


def leading(hosts: Sequence[Host]) -> Host:
    """The host that `build: {on: …}` names, the first one by default and where the build is made elsewhere."""
    wanted = hosts[0].settings.build.on
    found = next((host for host in hosts if host.name == wanted), None)
    if found is not None:
        return found
    if wanted not in (FIRST, CONTROLLER) and hosts[0].call.on_host(wanted) is None:
        names = ", ".join(host.name for host in hosts)
        raise ProvisionError(f"`build: {{on: {wanted}}}` is none of the hosts that get this build now ({names}), "
                             "though a host of this play",
                             hint="take one of them, first, controller, or a host outside of the play")  # fmt: skip
    return hosts[0]


@dataclass(frozen=True, slots=True)
class Shipment:
    """A release and who has it whole (in check mode: would have it)."""

    release: Release
    holder: Host


@dataclass(slots=True)
class Builder:
    """lead: the host whose Node.js counts for all, and that builds unless another machine does. scratch: a directory on
    the controller for archives, gone after the deploy; cache: one that stays."""

    lead: Host
    hosts: Sequence[Host]
    tree: Tree
    app: App
    scratch: Path
    cache: Path
    _workplace: Host | None = None
    _packed: dict[str | None, Content] = field(default_factory=dict)
    _packing: threading.Lock = field(default_factory=threading.Lock)

    @property
    def is_elsewhere(self) -> bool:
        """Whether none of the hosts builds."""
        return self._is_here or self.lead.settings.build.on not in (FIRST, *(host.name for host in self.hosts))

    @property
    def _is_here(self) -> bool:
        return self.tree.prebuilt is not None or self.lead.settings.build.on == CONTROLLER

    @property
    def install(self) -> Install:
        assert self.app.install is not None, "an app without a way to install is stopped by the preflight"
        return self.app.install

    @property
    def export(self) -> tuple[str, ...]:
        """What has to run after the build to export it as files."""
        is_static = self.hosts[0].settings.mode == "static"
        return export_command(own_files(self.tree.texts(), self.app.path), self.app) if is_static else ()

    def share(self, host: Host) -> Share:
        """What the host will have to do, as far as its facts tell."""
        if self.tree.prebuilt is None and self.app.install is None:
            return Share(arrives=True, builds=host is self.lead)
        node = plan.installed_node(host.settings.node, host.facts)
        arrives = node is None or plan.find_release(self._keys(host, node)[1], host.facts) is None
        return Share(arrives=arrives, builds=arrives and host is self.lead and not self.is_elsewhere)

    def _keys(self, host: Host, node: str) -> tuple[str, str]:
        """What the installation and the build are made from, with this Node.js on this host."""
        if self.tree.prebuilt is not None:
            return "", artifact.prebuilt_fingerprint(self.tree.digest)
        key = artifact.install_key(self.tree.files, self.app, self.install, node, host.facts["node"]["machine"])
        builds = self.app.builds
        return key, artifact.build_fingerprint(self.tree.digest, key, host.settings, self.install, builds, self.export)

    # -- the release -------------------------------------------------------------------------------------------

    def prepare(self, node: str) -> Shipment:
        """The release, complete on one host or here."""
        key, fingerprint = self._keys(self.lead, node)
        name = artifact.release_name(fingerprint)
        own = self.tree.prebuilt.deployment_id if self.tree.prebuilt else None
        release = Release(name, fingerprint,
                          deployment_id=own if self.tree.prebuilt or not self.app.knows_deployments else name)
        holder = self._holder(fingerprint)
        if holder is None:
            holder = self._opened() if self.is_elsewhere else self.lead
        found = plan.find_release(fingerprint, holder.facts)
        if found is None:
            return self._made(holder, release, node, key)
        for step in self._steps:
            self.lead.fine(step)
        return Shipment(_known(release, found), holder)

    def look_elsewhere(self, hosts: Sequence[Host]) -> None:
        """Whether the machine that is to build for these hosts can do so; it is left alone where nothing is to be
        built. Raises ProvisionError."""
        if not self.is_elsewhere:
            return
        settings = self.lead.settings
        node = plan.installed_node(settings.node, self.lead.facts)
        if node is None or self._holder(self._keys(self.lead, node)[1]) is None:
            workplace.judge(self._opened(), hosts, node or settings.node)

    def _holder(self, fingerprint: str) -> Host | None:
        """A host that has the release."""
        hosts = [self.lead, *(host for host in self.hosts if host is not self.lead and host.facts)]
        return next((host for host in hosts if plan.find_release(fingerprint, host.facts)), None)

    def _opened(self) -> Host:
        """The machine that builds and does not run the app."""
        if self._workplace is None:
            lead = self.lead
            here = self._is_here
            self._workplace = (workplace.on_controller(lead, self.cache) if here
                               else workplace.on_host(lead, lead.settings.build.on))  # fmt: skip
        return self._workplace

    @property
    def _steps(self) -> tuple[str, ...]:
        return (plan.SOURCE, plan.INSTALL, plan.BUILD) if self.tree.prebuilt is None else ()

    def _made(self, at: Host, release: Release, node: str, key: str) -> Shipment:
        with workplace.reserved(at):
            found = plan.find_release(release.fingerprint, at.facts)
            if found is not None:  # another run made it while this one waited
                return Shipment(_known(release, found), at)
            if self.tree.prebuilt is not None:
                about = {**self.tree.prebuilt.about(), **self._about(at, release, node, key)}
                built = replace(release, about=about)
            else:
                built = self._built(at, release, node, key)
            args = {"release": built.name, "about": dict(built.about or {"fingerprint": built.fingerprint}),
                    **self._ready_made()}  # fmt: skip
            if at.place is None:
                result = at.app(plan.STAGE, "nextjs_stage", {"user": at.user, **args})
            elif not at.call.check:
                result = workplace.keep(at, args)
        if at.call.check:
            return Shipment(built, at)
        return Shipment(_known(built, {**(built.about or {}), "manifest": result["manifest"]}), at)

    def _ready_made(self) -> dict[str, str]:
        prebuilt = self.tree.prebuilt
        return {"tree": str(self.tree.root), "shape": prebuilt.shape} if prebuilt else {}

    def _about(self, at: Host, release: Release, node: str, key: str) -> dict[str, Any]:
        """What RELEASE.json tells of where the release comes from."""
        created = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return {
            "fingerprint": release.fingerprint, "node": node, "sharp": bool(self.app.sharp), "install": key,
            "source": self.tree.digest, "revision": self.tree.revision, "created": created,
            "built_on": (at.place.machine or "localhost") if at.place else at.name,
        }  # fmt: skip

    def _built(self, at: Host, release: Release, node: str, key: str) -> Release:
        settings = at.settings
        registry = {"npm_config_registry": settings.npm_registry} if settings.npm_registry else {}
        common = {"user": at.user, "node": node, "memory_max": settings.build_memory_max}
        if at.place is not None:
            workplace.bring_node(at, node)
        self._copy_source(at)
        if at.facts["build"]["install"] == key:
            at.fine(plan.INSTALL)
        else:
            at.app(plan.INSTALL, "nextjs_install", {
                **common, "key": key, "command": list(self.install.command), "tool": self.install.tool,
                "sharp": self.app.sharp, "env": {**registry, **self.install.env}})  # fmt: skip
        hooks.run_at_build(at, "before_build", node)
        name = release.name if self.app.knows_deployments else None
        built = at.app(plan.BUILD, "nextjs_build", {
            **common, "fingerprint": release.fingerprint, "command": list(self.install.build),
            "directories": list(self.app.builds), "mode": settings.mode,
            "deployment_id": name, "config": {"buildId": release.name} if self.app.takes_adapters else None,
            "export": list(self.export), "env": {**registry, **self.install.env, **settings.public_env},
            "build_env": dict(settings.build_env)})  # fmt: skip
        hooks.run_at_build(at, "after_build", node)
        if at.call.check:
            return release
        return replace(release, about={
            **self._about(at, release, node, key), "build_id": built.get("build_id"), "next": built.get("next"),
            "base_path": built.get("base_path") or "",
            **{key: built[key] for key in ("trailing_slash", "types") if key in built},
            "app": self.app.path, "mode": settings.mode, "deployment_id": name or built.get("deployment_id"),
        })  # fmt: skip

    def _copy_source(self, at: Host) -> None:
        if at.facts["build"]["source"] == self.tree.digest:
            at.fine(plan.SOURCE)
            return
        listing = content_of(json.dumps(dict(self.tree.files), sort_keys=True).encode())
        args: dict[str, Any] = {"user": at.user, "digest": self.tree.digest, "files": listing.reference()}
        contents = [listing]
        if not at.call.check:
            path = self.scratch / "source.tar.gz"
            write_archive(self.tree, path)
            packed = content_of_file(path)
            args["archive"] = packed.reference()
            contents.append(packed)
        at.app(plan.SOURCE, "nextjs_source", args, contents)

    # -- the way to the hosts ----------------------------------------------------------------------------------

    def deliver(self, shipment: Shipment, host: Host) -> None:
        """Make the release's directory on a host that lacks it. Several may come at the same time."""
        release = shipment.release
        args = {"user": host.settings.user, "release": release.name,
                "about": dict(release.about or {"fingerprint": release.fingerprint})}  # fmt: skip
        if host.call.check:
            host.app(plan.STAGE, "nextjs_stage", args)
            return
        began = time.monotonic()
        base = plan.common_base(shipment.holder.facts, host.facts)
        archive = self._archive(shipment.holder, release, base)
        result = self._staged(host, args, archive)
        sent = archive.size
        if result.get("lacking"):  # what it had of the earlier release is not as it was
            archive = self._archive(shipment.holder, release, None)
            result = self._staged(host, args, archive)
            sent += archive.size
        host.show(plan.STAGE, {**result, "sent": sent}, ms=(time.monotonic() - began) * 1000)

    def _staged(self, host: Host, args: dict[str, Any], archive: Content) -> dict[str, Any]:
        host.call.progress(f"{plan.STAGE}: {archive.size / 1e6:.1f} MB to send")
        result = host.call.call("nextjs_stage", {"name": host.settings.name, **args, "archive": archive.reference()},
                                contents=(archive,))  # fmt: skip
        if result.get("failed"):
            host.show(plan.STAGE, result)
            raise StepFailed(plan.STAGE, result)
        return result

    def _archive(self, holder: Host, release: Release, base: str | None) -> Content:
        """What a host with the release `base` (a manifest's digest) lacks; all of it for one that has none."""
        with self._packing:
            if base not in self._packed:
                path = self.scratch / f"release-{base or 'whole'}.tar.gz"
                holder.call.progress("packing the release")
                args = {"name": holder.settings.name, "release": release.name}
                args |= {key: value for key, value in (("base", base), ("place", holder.layout.place)) if value}
                with path.open("wb") as sink:
                    result = holder.call.call("nextjs_pack", args, sink=sink)
                if result.get("failed"):
                    raise StepFailed("packing the release", result)
                content = content_of_file(path)
                if content.sha256 != result["sha256"]:
                    raise StepFailed("packing the release",
                                     {"msg": "the archive has another checksum here than where it was made"})
                self._packed[base] = content
            return self._packed[base]


def _known(release: Release, about: Mapping[str, Any] | None) -> Release:
    return replace(release, about=about, deployment_id=about.get("deployment_id") if about else None)


def content_of_file(path: Path) -> Content:
    """Content that stays in its file."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        for piece in iter(lambda: stream.read(1 << 20), b""):
            digest.update(piece)
    return Content(digest.hexdigest(), path.stat().st_size, path=path)
