"""The providers there are: name -> the module that has `open(place) -> Provider`. Imported when a play uses one."""

from __future__ import annotations

from importlib import import_module
from typing import Final

from provisioner.cloud.model import Place
from provisioner.cloud.provider import Provider

PROVIDERS: Final = {
    "ec2": "provisioner.cloud.providers.ec2",
    "digitalocean": "provisioner.cloud.providers.digitalocean",
    "lab": "provisioner.cloud.providers.lab",
}


def open_provider(place: Place) -> Provider:
    provider: Provider = import_module(PROVIDERS[place.provider]).open(place)
    return provider
