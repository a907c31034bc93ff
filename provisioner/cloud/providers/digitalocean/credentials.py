"""Which token a place is reached with, and where: from the environment, or from what `doctl auth init` has saved."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from provisioner.cloud.errors import NotAllowed
from provisioner.cloud.model import Place
from provisioner.diag import InputError
from provisioner.lang.yaml import load_data
from provisioner.values import Secret

VARIABLES: Final = ("DIGITALOCEAN_TOKEN", "DIGITALOCEAN_ACCESS_TOKEN")
END_POINT: Final = "https://api.digitalocean.com/v2/"


def end_point(place: Place, environ: Mapping[str, str]) -> str:
    """With a slash at its end. The token goes there: plain HTTP is for this machine only."""
    url = place.endpoint or environ.get("DIGITALOCEAN_END_POINT", "") or END_POINT
    if not url.startswith(("https://", "http://127.0.0.1:", "http://localhost:", "http://[::1]:")):
        raise NotAllowed(f"the token would go to {url} unencrypted", hint="use an https:// address")
    return url.rstrip("/") + "/"


def token(place: Place, environ: Mapping[str, str]) -> Secret:
    """A profile is a context of doctl. Without one the environment comes first, then doctl's current context."""
    if not place.profile:
        for name in VARIABLES:
            if text := environ.get(name, "").strip():
                return Secret(text)
    path = doctl_config(environ)
    config = _read(path)
    context = place.profile or str(config.get("context") or "default")
    known: Mapping[str, Any] = {"default": config.get("access-token"), **(config.get("auth-contexts") or {})}
    saved = known.get(context)
    if isinstance(saved, str) and saved.strip():
        return Secret(saved.strip())
    if place.profile:
        raise NotAllowed(f"doctl has no context {context!r} in {path}", hint=f"doctl auth init --context {context}")
    raise NotAllowed(f"no token for DigitalOcean: {' and '.join(VARIABLES)} are not set, and {path} has none",
                     hint="export DIGITALOCEAN_TOKEN=… (docs/digitalocean.md lists the scopes it needs)")


def doctl_config(environ: Mapping[str, str]) -> Path:
    """Where doctl keeps its settings."""
    if sys.platform == "darwin":
        return Path.home() / "Library/Application Support/doctl/config.yaml"
    home = environ.get("XDG_CONFIG_HOME") or os.path.join(environ.get("HOME") or str(Path.home()), ".config")
    return Path(home) / "doctl/config.yaml"


def _read(path: Path) -> Mapping[str, Any]:
    try:
        content = load_data(path.read_text(encoding="utf-8"), str(path))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise NotAllowed(f"{path} cannot be read: {error}") from None
    except InputError:
        content = None  # what is wrong with it would show the line, and a token with it
    if not isinstance(content, dict) or not isinstance(content.get("auth-contexts") or {}, dict):
        raise NotAllowed(f"{path} is not what doctl writes",
                         hint="run `doctl auth init` again, or set DIGITALOCEAN_TOKEN")
    return content
