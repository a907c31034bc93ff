"""Gets the release to run: finds it on a host, or builds it on the first one; packs it for the hosts that lack it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from provisioner.actions.base import content_of
from provisioner.messages import Content
from provisioner.nextjs import artifact, hooks, plan
from provisioner.nextjs.detect import App
from provisioner.nextjs.hosts import Host, StepFailed
from provisioner.nextjs.managers import Install
from provisioner.nextjs.plan import Release
from provisioner.nextjs.preflight_host import Share
from provisioner.nextjs.source import Tree, write_archive


@dataclass(frozen=True, slots=True)
class Shipment:
    """A release on its way, with its archive for the hosts that lack it (None: no host does, or check mode)."""

    release: Release
    archive: Content | None = None


@dataclass(frozen=True, slots=True)
class Builder:
    """`hosts[0]` builds. `scratch`: a directory on the controller for archives, gone after the deploy."""

    hosts: Sequence[Host]
    tree: Tree
    app: App
    scratch: Path

    @property
    def install(self) -> Install:
        assert self.app.install is not None, "an app without a way to install is stopped by the preflight"
        return self.app.install

    def share(self, host: Host) -> Share:
        """What the host will have to do, as far as its facts tell."""
        node = plan.installed_node(host.settings.node, host.facts)
        known = node is not None and self.app.install is not None
        arrives = not known or plan.find_release(self._keys(host, node or "")[1], host.facts) is None
        return Share(arrives=arrives, builds=arrives and host is self.hosts[0])

    def _keys(self, host: Host, node: str) -> tuple[str, str]:
        """What the installation and the build are made from, with this Node.js on this host."""
        key = artifact.install_key(self.tree.files, self.app, self.install, node, host.facts["node"]["machine"])
        builds = self.app.builds
        return key, artifact.build_fingerprint(self.tree.digest, key, host.settings, self.install, builds)

    def prepare(self, node: str) -> Shipment:
        """The release, complete on the building host."""
        host = self.hosts[0]
        key, fingerprint = self._keys(host, node)
        release = Release(artifact.release_name(fingerprint), fingerprint)
        holder = next(
            (other for other in self.hosts if other.facts and plan.find_release(fingerprint, other.facts)), None
        )
        if holder is None:
            built = self._staged(self._built(release, node, key), None)
            return Shipment(built, self._packed(host, built))
        for step in (plan.SOURCE, plan.INSTALL, plan.BUILD):
            host.fine(step)
        release = replace(release, about=plan.find_release(fingerprint, holder.facts))
        archive = self._packed(holder, release)
        if holder is host:
            host.fine(plan.STAGE, release=release.name)
        else:
            self._staged(release, archive)
        return Shipment(release, archive)

    def _built(self, release: Release, node: str, key: str) -> Release:
        host, settings = self.hosts[0], self.hosts[0].settings
        registry = {"npm_config_registry": settings.npm_registry} if settings.npm_registry else {}
        common = {"user": settings.user, "node": node, "memory_max": settings.build_memory_max}
        self._copy_source(host)
        if host.facts["build"]["install"] == key:
            host.fine(plan.INSTALL)
        else:
            host.app(plan.INSTALL, "nextjs_install", {
                **common, "key": key, "command": list(self.install.command), "tool": self.install.tool,
                "sharp": self.app.sharp, "env": {**registry, **self.install.env}})  # fmt: skip
        hooks.run_at_build(host, "before_build", node)
        built = host.app(plan.BUILD, "nextjs_build", {
            **common, "fingerprint": release.fingerprint, "command": list(self.install.build),
            "directories": list(self.app.builds), "mode": settings.mode,
            "env": {**registry, **self.install.env, **settings.public_env},
            "build_env": dict(settings.build_env)})  # fmt: skip
        hooks.run_at_build(host, "after_build", node)
        if host.call.check:
            return release
        created = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return replace(release, about={
            "fingerprint": release.fingerprint, "build_id": built.get("build_id"), "next": built.get("next"),
            "base_path": built.get("base_path") or "", "app": self.app.path, "mode": settings.mode,
            "node": node, "sharp": bool(self.app.sharp), "install": key,
            "source": self.tree.digest, "revision": self.tree.revision, "created": created, "built_on": host.name,
        })  # fmt: skip

    def _copy_source(self, host: Host) -> None:
        if host.facts["build"]["source"] == self.tree.digest:
            host.fine(plan.SOURCE)
            return
        listing = content_of(json.dumps(dict(self.tree.files), sort_keys=True).encode())
        args = {"user": host.settings.user, "digest": self.tree.digest, "files": listing.reference()}
        contents = [listing]
        if not host.call.check:
            path = self.scratch / "source.tar.gz"
            write_archive(self.tree, path)
            packed = content_of_file(path)
            args["archive"] = packed.reference()
            contents.append(packed)
        host.app(plan.SOURCE, "nextjs_source", args, contents)

    def _staged(self, release: Release, archive: Content | None) -> Release:
        """Made on the building host; with what only that host could tell about it."""
        result = stage(self.hosts[0], release, archive)
        return replace(release, about={**release.about, "modules": result.get("modules")}) if release.about else release

    def _packed(self, holder: Host, release: Release) -> Content | None:
        """The release as an archive, if any host lacks it. node_modules stays out where all of them have the same."""
        others = (host for host in self.hosts if host is not holder and host.facts)
        lacking = [host for host in others if not plan.find_release(release.fingerprint, host.facts)]
        if not lacking or holder.call.check:
            return None
        modules = release.about.get("modules") if release.about else None
        whole = not modules or any(modules not in plan.known_modules(host.facts) for host in lacking)
        path = self.scratch / "release.tar.gz"
        holder.call.progress("packing the release")
        args: dict[str, Any] = {"name": holder.settings.name, "release": release.name, "modules": whole}
        with path.open("wb") as sink:
            result = holder.call.call("nextjs_pack", args, sink=sink)
        if result.get("failed"):
            raise StepFailed("packing the release", result)
        content = content_of_file(path)
        if content.sha256 != result["sha256"]:
            raise StepFailed("packing the release", {"msg": "the archive has another checksum here than on the host"})
        return content


def stage(host: Host, release: Release, archive: Content | None) -> dict[str, Any]:
    """Make the release's directory on a host, from `archive` or from the build there."""
    about = dict(release.about or {"fingerprint": release.fingerprint})
    args = {"user": host.settings.user, "release": release.name, "about": about}
    if archive is None:
        return host.app(plan.STAGE, "nextjs_stage", args)
    return host.app(plan.STAGE, "nextjs_stage", {**args, "archive": archive.reference()}, (archive,))


def content_of_file(path: Path) -> Content:
    """Content that stays in its file."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        for piece in iter(lambda: stream.read(1 << 20), b""):
            digest.update(piece)
    return Content(digest.hexdigest(), path.stat().st_size, path=path)
