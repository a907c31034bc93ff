"""Which configuration files are exactly as their packages brought them."""

from __future__ import annotations

import hashlib
import re
from typing import Dict

from provisioner.remote.sdk import Ctx
from provisioner.remote.survey.found import content

STATUS = "/var/lib/dpkg/status"


def sums(ctx: Ctx) -> "Dict[str, str]":
    """Path -> MD5 of every configuration file of the packages."""
    return {path.decode("utf-8", "surrogateescape"): digest.decode()
            for path, digest in re.findall(rb"^ (/\S+) ([0-9a-f]{32})$", content(STATUS), re.MULTILINE)}  # fmt: skip


def is_shipped(shipped: "Dict[str, str]", path: str) -> bool:
    expected = shipped.get(path)
    # what dpkg compares with; nothing is protected by it
    return expected is not None and hashlib.md5(content(path)).hexdigest() == expected  # noqa: S324
