"""DigitalOcean: droplets and what belongs to them, by python-digitalocean.

    credentials   which token, which address
    wire          sends the library's calls: time-outs, retries, whole listings
    refusals      what an error of the API means
    tags, names   what there is to know a thing again by
    api           the library's objects, waiting for actions
    droplets, volumes, firewalls, networks, keys, addresses, records, foresight
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from provisioner.cloud.errors import CloudError
from provisioner.cloud.model import Place
from provisioner.cloud.providers.digitalocean.credentials import end_point, token
from provisioner.values import Secret

if TYPE_CHECKING:
    from provisioner.cloud.providers.digitalocean.api import Api
    from provisioner.cloud.providers.digitalocean.provider import DigitalOcean
    from provisioner.cloud.providers.digitalocean.wire import Patience


def open(place: Place, patience: Patience | None = None) -> DigitalOcean:
    """Asks nothing yet; raises `NotAllowed` where there is no token."""
    api = open_api(place, patience)
    from provisioner.cloud.providers.digitalocean import provider  # noqa: PLC0415 - an extra

    return provider.DigitalOcean(api)


def open_api(place: Place, patience: Patience | None = None, given: Secret | None = None) -> Api:
    """given: a token to use instead of the one that is found."""
    try:
        from provisioner.cloud.providers.digitalocean import api, wire  # noqa: PLC0415 - an extra
    except ModuleNotFoundError as error:
        if error.name not in ("digitalocean", "requests"):
            raise
        raise CloudError("machines at DigitalOcean need python-digitalocean, which is not installed",
                         hint="pip install 'provision[digitalocean]'") from None
    base, secret = end_point(place, os.environ), given or token(place, os.environ)
    sending = wire.Wire(base, secret, str(place), patience or wire.Patience())
    return api.Api(sending, place)
