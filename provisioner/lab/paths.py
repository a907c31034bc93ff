"""Where the lab keeps its things, and the one name all its kernel objects share."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path


def default_state_dir() -> Path:
    """The lab's own directory under the product's state directory (`PROVISION_STATE_DIR` or XDG)."""
    chosen = os.environ.get("PROVISION_STATE_DIR")
    if chosen:
        return Path(os.path.expanduser(chosen)) / "lab"
    return _xdg("XDG_STATE_HOME", ".local/state") / "lab"


def default_cache_dir() -> Path:
    """Where root filesystems are kept; safe to delete while no lab host runs."""
    return _xdg("XDG_CACHE_HOME", ".cache") / "lab"


def tag_of(state_dir: Path) -> str:
    """The name of a lab's bridge and firewall table, and the prefix of its other kernel objects.

    Derived from the path alone, so that whatever a killed run left can be found again without any record of it.
    Eleven characters: with "." and a host number it still fits the kernel's 15 for an interface name.
    """
    return "pvl" + hashlib.sha256(os.fsencode(state_dir)).hexdigest()[:8]


def _xdg(variable: str, fallback: str) -> Path:
    value = os.environ.get(variable, "")
    base = Path(value) if value.startswith("/") else Path.home() / fallback
    return base / "provisioner"
