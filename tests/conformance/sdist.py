"""Ansible's own sources with their integration tests, which are downloaded and never part of this project."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
from pathlib import Path

VERSION = "2.19.14"


def sources() -> Path:
    """The unpacked sdist in the user's cache. The first use downloads it with this machine's pip."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "provisioner" / "conformance"
    unpacked = cache / f"ansible_core-{VERSION}"
    if (unpacked / "test/integration/targets").is_dir():
        return unpacked
    cache.mkdir(parents=True, exist_ok=True)
    archive = cache / f"{unpacked.name}.tar.gz"
    if not archive.exists():
        subprocess.run([sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", ":all:",
                        "--dest", cache, f"ansible-core=={VERSION}"], check=True, stdin=subprocess.DEVNULL)
    with tarfile.open(archive) as packed:
        packed.extractall(cache, filter="tar")
    return unpacked
