"""A version of Node.js under /opt/node/<version>, beside others: an official tarball, or from the npm registry."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import ssl
import urllib.error
import urllib.request
from typing import Any, Dict, NamedTuple, Optional

from provisioner.remote.nextjs.cage import CA_BUNDLES
from provisioner.remote.nextjs.layout import NODE_ROOT
from provisioner.remote.sdk import Ctx, Result
from provisioner.remote.spec import Arg, Arguments, Spec

SPEC = Spec(
    name="nextjs_node",
    summary="Install a version of Node.js side by side with others",
    check="predict",
    identity=("version",),
    args={
        "version": Arg(
            required=True, doc="A major version (the newest of it is taken if none of it is installed), or an exact one"
        ),
        "mirror": Arg(
            default="https://nodejs.org/dist", doc="Where the official tarballs and their SHASUMS256.txt are"
        ),
        "registry": Arg(
            doc="npm registry to use when the mirror can't be reached; by default the host's own npm settings"
        ),
        "fallback_registry": Arg(doc="The registry when neither `registry` nor the host names one"),
        "root": Arg(type="path", default=NODE_ROOT, doc="The directory of all versions"),
    },
    returns={"version": "The exact version", "path": "Where it is"},
)

_ARCHITECTURES = {"x86_64": "x64", "aarch64": "arm64"}
_NPMRC = ("/etc/npmrc", "/usr/etc/npmrc", "~/.npmrc")
_LARGEST = 300 << 20


class Archive(NamedTuple):
    """A tarball to unpack at `into` (below the Node directory) and the digest it must have."""

    url: str
    algorithm: str
    digest: str  # hexadecimal
    into: str = ""


class Unreachable(Exception):
    """Nobody answered at that address; another source may be tried."""


def run(ctx: Ctx, a: Arguments) -> Result:
    installed = sorted(
        (name for name in ctx.listdir(a.root) if _matches(name, a.version) and _is_whole(ctx, a.root, name)), key=_key
    )
    if installed:
        return Result(version=installed[-1], path="%s/%s" % (a.root, installed[-1]))
    version, archives = _find(ctx, a)
    home = "%s/%s" % (a.root, version)
    if not ctx.check:
        _install(ctx, home, archives)
    return Result(
        changed=True,
        version=version,
        path=home,
        source=archives[0].url.split("/")[2],
        diff={"before": "", "after": "%s\n" % home} if ctx.want_diff else None,
        predictions=[("path", home, {"kind": "directory"}), ("path", home + "/bin/node", {"kind": "file"})],
    )


def _matches(name: str, version: str) -> bool:
    return bool(re.match(r"\d+\.\d+\.\d+$", name)) and (name + ".").startswith(version + ".")


def _key(version: str) -> "tuple[int, ...]":
    return tuple(map(int, version.split(".")))


def _is_whole(ctx: Ctx, root: str, name: str) -> bool:
    return ctx.stat("%s/%s/bin/npm" % (root, name), follow=True) is not None


def _find(ctx: Ctx, a: Arguments) -> "tuple[str, list[Archive]]":
    machine = os.uname().machine
    arch = _ARCHITECTURES.get(machine)
    if arch is None:
        raise ctx.fail("there are no binaries of Node.js for the architecture %s" % machine)
    try:
        return _official(ctx, a.mirror.rstrip("/"), a.version, arch)
    except Unreachable as error:
        first = str(error)
    registry = a.registry or _configured_registry(ctx) or a.fallback_registry
    if registry is None:
        raise ctx.fail(
            "Node.js %s can't be downloaded: %s; and no npm registry is configured on the host "
            "(set `node_mirror` or `npm_registry`)" % (a.version, first)
        )
    try:
        return _from_registry(ctx, registry.rstrip("/"), a.version, arch)
    except Unreachable as error:
        raise ctx.fail("Node.js %s can't be downloaded: %s; %s" % (a.version, first, error)) from None


def _official(ctx: Ctx, mirror: str, wanted: str, arch: str) -> "tuple[str, list[Archive]]":
    folder = "v" + wanted if wanted.count(".") == 2 else "latest-v%s.x" % wanted
    sums = _download(ctx, "%s/%s/SHASUMS256.txt" % (mirror, folder), 1 << 20).decode("ascii", "replace")
    found = re.search(r"^([0-9a-f]{64})\s+(node-v(\d+\.\d+\.\d+)-linux-%s\.tar\.gz)$" % arch, sums, re.MULTILINE)
    if found is None:
        raise ctx.fail("%s/%s has no Node.js for linux-%s" % (mirror, folder, arch))
    digest, file, version = found.groups()
    return version, [Archive("%s/%s/%s" % (mirror, folder, file), "sha256", digest)]


def _from_registry(ctx: Ctx, registry: str, wanted: str, arch: str) -> "tuple[str, list[Archive]]":
    """The registry's package holds `bin/node` only, so npm comes as a second one, of the line Node ships."""
    name = "node-linux-%s" % arch
    node = _manifest(ctx, registry, name, wanted)
    npm = _manifest(ctx, registry, "npm", _npm_for(int(node["version"].split(".")[0])))
    return node["version"], [_archive(ctx, node, ""), _archive(ctx, npm, "lib/node_modules/npm")]


def _npm_for(node_major: int) -> str:
    return "8" if node_major <= 16 else "10" if node_major <= 22 else "11"


def _manifest(ctx: Ctx, registry: str, package: str, wanted: str) -> "Dict[str, Any]":
    """A package's manifest. An exact version costs 2 KB; for the newest of a major the list of all is read."""
    if wanted.count(".") == 2:
        return _mapping(ctx, _download(ctx, "%s/%s/%s" % (registry, package, wanted), 4 << 20))
    listing = _mapping(ctx, _download(ctx, "%s/%s" % (registry, package), 64 << 20, brief=True))
    versions = [version for version in listing.get("versions", {}) if _matches(version, wanted)]
    if not versions:
        raise ctx.fail("the npm registry has no %s %s" % (package, wanted))
    found: "Dict[str, Any]" = listing["versions"][max(versions, key=_key)]
    return found


def _mapping(ctx: Ctx, data: bytes) -> "Dict[str, Any]":
    try:
        value = json.loads(data)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise ctx.fail("the npm registry's answer is not a JSON object")
    return value


def _archive(ctx: Ctx, manifest: "Dict[str, Any]", into: str) -> Archive:
    dist = manifest["dist"]
    algorithm, _, encoded = str(dist.get("integrity", "")).partition("-")
    if algorithm != "sha512":
        raise ctx.fail("the npm registry tells no sha512 of %s" % dist.get("tarball"))
    return Archive(dist["tarball"], "sha512", base64.b64decode(encoded).hex(), into)


def _configured_registry(ctx: Ctx) -> "Optional[str]":
    """As npm would find it: the environment first, then its files. Tokens are not used: the packages are public."""
    for source in (ctx.environment, os.environ):
        for name, value in source.items():
            if name.lower() == "npm_config_registry" and value:
                return value
    for path in _NPMRC:
        found = re.findall(r"^registry\s*=\s*(\S+)", ctx.read_text(ctx.expand(path)) or "", re.MULTILINE)
        if found:
            return str(found[-1]).strip("\"'")
    return None


def _download(ctx: Ctx, url: str, limit: int, brief: bool = False) -> bytes:
    headers = {"User-Agent": "provision"}
    if brief:
        headers["Accept"] = "application/vnd.npm.install-v1+json"
    bundle = next((path for path in CA_BUNDLES if ctx.stat(path, follow=True)), None)
    try:
        request = urllib.request.Request(url, headers=headers)  # noqa: S310 - the user's own mirror
        with urllib.request.urlopen(request, timeout=60, context=ssl.create_default_context(cafile=bundle)) as answer:  # noqa: S310
            data: bytes = answer.read(limit + 1)
    except urllib.error.HTTPError as error:
        if error.code == 404:
            raise ctx.fail("%s is not there (404)" % url) from None
        raise Unreachable("%s: status %d" % (url, error.code)) from None
    except (OSError, ValueError) as error:
        raise Unreachable("%s: %s" % (url, error)) from None
    if len(data) > limit:
        raise ctx.fail("%s is larger than %d bytes" % (url, limit))
    return data


def _install(ctx: Ctx, home: str, archives: "list[Archive]") -> None:
    """Unpack beside the final place, then rename: a directory with the version's name is always whole."""
    partial = "%s/.%s.partial" % tuple(home.rsplit("/", 1))
    scratch = ctx.tempdir()
    ctx.remove(partial, recursive=True)
    ctx.mkdir(partial, mode="0755", parents=True)
    for number, archive in enumerate(archives):
        ctx.progress("downloading %s" % archive.url)
        data = _download(ctx, archive.url, _LARGEST)
        if hashlib.new(archive.algorithm, data).hexdigest() != archive.digest:
            raise ctx.fail(
                "%s does not have the %s checksum it must have; nothing was installed"
                % (archive.url, archive.algorithm)
            )
        file = "%s/%d.tar.gz" % (scratch, number)
        with open(file, "wb") as stream:
            stream.write(data)
        into = "%s/%s" % (partial, archive.into) if archive.into else partial
        if archive.into:
            ctx.mkdir(into, mode="0755", parents=True)
        ctx.run(
            [
                "tar",
                "--extract",
                "--gzip",
                "--file",
                file,
                "--directory",
                into,
                "--strip-components",
                "1",
                "--no-same-owner",
                "--no-same-permissions",
            ],
            check=True,
            timeout=300,
            umask=0o022,
        )
    if len(archives) > 1:
        for program in ("npm", "npx"):
            script = "lib/node_modules/npm/bin/%s-cli.js" % program
            ctx.chmod("%s/%s" % (partial, script), "0755")
            ctx.symlink("../" + script, "%s/bin/%s" % (partial, program))
    shown = ctx.query([partial + "/bin/node", "--version"], timeout=60)
    if shown.stdout.strip() != "v" + home.rpartition("/")[2]:
        raise ctx.fail("the installed Node.js does not run: %s" % (shown.stderr.strip() or shown.stdout.strip()))
    ctx.remove(home, recursive=True)
    ctx.rename(partial, home)
