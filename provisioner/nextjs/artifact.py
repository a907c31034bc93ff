"""Fingerprints: what goes into an installation and a build. The same fingerprint: nothing to do. Pure."""

from __future__ import annotations

import fnmatch
import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from provisioner.nextjs.detect import App
from provisioner.nextjs.managers import Install
from provisioner.nextjs.settings import Settings
from provisioner.values import Secret

#: Files that decide what an installation gives: more than the lockfile, as `postinstall` scripts may read them.
INSTALL_FILES = (
    "package.json",
    "*/package.json",
    ".npmrc",
    ".yarnrc",
    ".yarnrc.yml",
    ".yarn/*",
    "pnpm-workspace.yaml",
    ".pnpmfile.cjs",
    "bunfig.toml",
    "patches/*",
    "prisma/*",
    "*/prisma/*",
    ".node-version",
    ".nvmrc",
)


#: Grows when releases come to be made in another way.
FORMAT = 2


def install_key(files: Mapping[str, str], app: App, install: Install, node: str, arch: str) -> str:
    """`files`: path -> digest of the sources."""
    patterns = (install.lockfile, *INSTALL_FILES)
    relevant = {
        path: digest
        for path, digest in files.items()
        if any(fnmatch.fnmatchcase(path, pattern) for pattern in patterns)
    }
    return _hash(
        {
            "files": relevant,
            "command": install.command,
            "tool": install.tool,
            "sharp": app.sharp,
            "node": node,
            "arch": arch,
        }
    )


def build_fingerprint(
    digest: str, install: str, settings: Settings, how: Install, builds: Sequence[str] = ("",),
    export: Sequence[str] = (),
) -> str:
    """`digest`: of the sources; `install`: the installation's key; `builds`: the directories where it is built;
    `export`: what exports it after that. Public variables are in it, others not."""
    variables = {**settings.public_env, **settings.build_env}
    return _hash(
        {
            "format": FORMAT,
            "source": digest,
            "install": install,
            "env": {name: _value(value) for name, value in variables.items()},
            "command": how.build,
            "hooks": [settings.hooks.before_build, settings.hooks.after_build],
            "directories": list(builds),
            "mode": settings.mode,
            "export": list(export),
        }
    )


def prebuilt_fingerprint(digest: str) -> str:
    """Of a build that was made elsewhere."""
    return _hash({"format": FORMAT, "artifact": digest})


def release_name(fingerprint: str) -> str:
    """The name is the content: going back to earlier sources finds the release that is still there."""
    return fingerprint[:12]


def _value(value: str | Secret) -> str:
    # Nobody but the transport opens a secret, and its hash would not keep it: only that there is one counts.
    return "(secret)" if isinstance(value, Secret) else value


def _hash(data: Any) -> str:
    return hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()
