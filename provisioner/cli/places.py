"""Where the controller keeps its state and its cache: option, environment, XDG."""

from __future__ import annotations

import os
from pathlib import Path


def state_dir(option: str | Path | None = None) -> Path:
    """`--state-dir`, else PROVISION_STATE_DIR, else the XDG state directory. It need not exist."""
    chosen = option or os.environ.get("PROVISION_STATE_DIR")
    return Path(os.path.expanduser(chosen)).absolute() if chosen else _xdg("XDG_STATE_HOME", ".local/state")


def cache_dir() -> Path:
    """For what may be thrown away."""
    return _xdg("XDG_CACHE_HOME", ".cache")


def _xdg(variable: str, fallback: str) -> Path:
    value = os.environ.get(variable, "")
    base = Path(value) if value.startswith("/") else Path.home() / fallback  # XDG: a relative value is not valid
    return base / "provisioner"
