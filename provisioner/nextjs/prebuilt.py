"""A build that was made elsewhere, as by CI: a directory or a tar.gz with package.json, .next, and either node_modules
or a standalone server."""

from __future__ import annotations

import hashlib
import shutil
import tarfile
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from provisioner.diag import ProvisionError
from provisioner.nextjs.detect import App
from provisioner.nextjs.package_json import parsed
from provisioner.remote.nextjs import manifest
from provisioner.remote.nextjs.contents import ASSEMBLED, SERVER, STANDALONE

KEPT = 3  # unpacked archives in the cache: a deploy of an unchanged one need not unpack it again
_NEXT = "node_modules/next"


@dataclass(frozen=True, slots=True)
class Prebuilt:
    """What is known of the build. shape: how its files make a release, one of `contents`. problems: why it can't."""

    app: str = ""
    shape: str = SERVER
    build_id: str | None = None
    next_version: str | None = None
    base_path: str = ""
    deployment_id: str | None = None
    problems: tuple[str, ...] = ()

    @property
    def mode(self) -> str:
        return SERVER if self.shape == SERVER else STANDALONE

    def app_itself(self) -> App:
        return App(self.next_version, path=self.app, errors=self.problems, output=STANDALONE if self.mode == STANDALONE
                   else None)  # fmt: skip

    def about(self) -> dict[str, Any]:
        """For RELEASE.json."""
        return {"build_id": self.build_id, "next": self.next_version, "base_path": self.base_path, "app": self.app,
                "mode": self.mode, "deployment_id": self.deployment_id}  # fmt: skip


def open_artifact(path: Path, app: str, cache: Path) -> tuple[Path, str, Prebuilt]:
    """Where the files are, the digest of all, and what they are. app: the app's directory in it."""
    if path.is_dir():
        files = manifest.read_tree(str(path))
        found = inspect(path, app)
        closed = [name for name, entry in files.items() if entry[0] != "link" and int(entry[0], 8) & 0o044 != 0o044]
        if closed:
            told = (f"{len(closed)} files of {path} can't be read by the app's user ({closed[0]} has mode "
                    f"{files[closed[0]][0]}); chmod -R a+rX {path}")  # fmt: skip
            found = replace(found, problems=(*found.problems, told))
        return path, manifest.digest(files), found
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        for piece in iter(lambda: stream.read(1 << 20), b""):
            digest.update(piece)
    root = _unpacked(path, cache / "artifacts", digest.hexdigest())
    return root, digest.hexdigest(), inspect(root, app)


def inspect(root: Path, app: str = "") -> Prebuilt:
    """What is there. Programs of the app are not run."""
    home = root / app
    output = home / ".next"
    if not (home / "package.json").is_file() and not (home / "server.js").is_file():
        return Prebuilt(app, problems=(f"{home} has neither package.json nor a standalone server.js: it is no app",))
    build_id = _text(output / "BUILD_ID")
    if build_id is None:
        return Prebuilt(app, problems=(f"{home} has no .next/BUILD_ID, so there is no build in it; run the app's "
                                       "`build` script before it is packed, and pack .next, too",))  # fmt: skip
    shape, modules, problems = _shape(root, app)
    config = _json(output / "required-server-files.json").get("config")
    known = config if isinstance(config, Mapping) else {}
    return Prebuilt(
        app, shape, build_id, _json(modules / "next/package.json").get("version"),
        str(_json(output / "routes-manifest.json").get("basePath") or ""), known.get("deploymentId") or None, problems,
    )  # fmt: skip


def _shape(root: Path, app: str) -> tuple[str, Path, tuple[str, ...]]:
    """Shape, where `next` is, and what is wrong."""
    home, standalone = root / app, root / app / ".next/standalone"
    for modules in (home / "node_modules", root / "node_modules"):
        if (modules / "next/dist/bin/next").is_file():
            return SERVER, modules, ()
    if (standalone / app / "server.js").is_file():
        return STANDALONE, standalone / "node_modules", ()
    if (home / "server.js").is_file() and (root / "node_modules").is_dir():
        static = home / ".next/static"
        lacking = () if static.is_dir() else (f"{home} has no .next/static, which a standalone build needs copied to "
                                              "it: without, pages have neither style nor program",)  # fmt: skip
        return ASSEMBLED, root / "node_modules", lacking
    return SERVER, root / "node_modules", (f"{home} has neither {_NEXT} nor a standalone server (server.js), so it "
                                           "can't be started; pack node_modules, too, or build with `output: "
                                           "'standalone'`",)  # fmt: skip


def _unpacked(path: Path, folder: Path, digest: str) -> Path:
    """The archive's files in the cache, readable for everybody."""
    target = folder / digest
    if not target.is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder) as scratch:
            try:
                with tarfile.open(path) as archive:
                    archive.extractall(Path(scratch, "files"), filter=_readable)  # noqa: S202 - by the data filter
            except (tarfile.TarError, EOFError, OSError) as error:
                raise ProvisionError(f"`source: {{artifact: {path}}}` can't be unpacked: {error}",
                                     hint="it must be a directory or a whole tar archive (.tar.gz)") from None
            Path(scratch, "files").rename(target)
    target.touch()
    for old in sorted((one for one in folder.iterdir() if len(one.name) == len(digest)),
                      key=lambda one: one.stat().st_mtime, reverse=True)[KEPT:]:  # fmt: skip
        shutil.rmtree(old)
    return target


def _readable(member: tarfile.TarInfo, path: str) -> tarfile.TarInfo | None:
    safe = tarfile.data_filter(member, path)
    if safe.issym() or safe.islnk():
        return safe
    wanted = 0o755 if safe.isdir() or (safe.mode or 0) & 0o100 else 0o644
    return safe.replace(mode=wanted, deep=False)


def _text(path: Path) -> str | None:
    try:
        return path.read_text(errors="replace").strip() or None
    except OSError:
        return None


def _json(path: Path) -> Mapping[str, Any]:
    return parsed(_text(path)) or {}
