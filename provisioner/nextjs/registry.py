"""The npm registry this machine uses: a host that has no npm settings of its own is told it."""

from __future__ import annotations

import os
import subprocess


def registry_here() -> str | None:
    """What npm here says, its built-in default included; without npm, the environment's; else None."""
    named = next((value for name, value in os.environ.items() if name.lower() == "npm_config_registry" and value), None)
    if named:
        return named
    try:
        done = subprocess.run(
            ["npm", "config", "get", "registry"], capture_output=True, text=True, check=False, timeout=30
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    url = done.stdout.strip()
    return url if done.returncode == 0 and url.startswith(("https://", "http://")) else None
