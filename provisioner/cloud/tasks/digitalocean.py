"""What tasks at DigitalOcean share: the token and the waiting."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.cloud.model import Place
from provisioner.cloud.providers.digitalocean import open_api
from provisioner.cloud.providers.digitalocean.credentials import VARIABLES
from provisioner.cloud.tasks.asked import Asked
from provisioner.values import Secret

if TYPE_CHECKING:
    from provisioner.cloud.providers.digitalocean.api import Api


def api_of(asked: Asked, region: str = "") -> Api:
    """The token of the task first, then of its `environment`, then the one that `machines:` would take."""
    given = (asked.environment[name] for name in VARIABLES if asked.environment.get(name))
    named = asked.a.oauth_token or next(given, "")
    place = Place("digitalocean", region, endpoint=asked.a.baseurl or "")
    return open_api(place, None, Secret(named) if named else None)
