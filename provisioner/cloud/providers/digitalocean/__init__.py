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

from provisioner.cloud.model import Place
from provisioner.cloud.providers.digitalocean.api import Api
from provisioner.cloud.providers.digitalocean.credentials import end_point, token
from provisioner.cloud.providers.digitalocean.provider import DigitalOcean
from provisioner.cloud.providers.digitalocean.wire import Patience, Wire

__all__ = ["DigitalOcean", "open"]


def open(place: Place, patience: Patience | None = None) -> DigitalOcean:
    """Asks nothing yet; raises `NotAllowed` where there is no token."""
    base = end_point(place, os.environ)
    return DigitalOcean(Api(Wire(base, token(place, os.environ), str(place), patience or Patience()), place))
