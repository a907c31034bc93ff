"""An SSH key of an account at DigitalOcean."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from provisioner.cloud.errors import Refused
from provisioner.cloud.providers.digitalocean.api import Api, absent_is_fine
from provisioner.cloud.providers.digitalocean.keys import same_key
from provisioner.cloud.tasks.asked import Asked, Result, told


def ensure(api: Api, asked: Asked) -> Result:
    a = asked.a
    there = _there(api, a)
    if a.state == "absent":
        if there is not None and not asked.check:
            absent_is_fine(api.key(id=there["id"]).destroy)
        return {**told(asked, {"key": there and there["name"]}, {"key": None}), "data": {}}
    if there is not None:
        if a.name and a.name != there["name"]:
            asked.warn(f"the account has this key already, as `{there['name']}`: it keeps that name")
        return {"changed": False, "data": {"ssh_key": there}}
    if not (a.name and a.ssh_pub_key):
        raise Refused(f"{api.place}: there is no such key, and none can be made without `name` and `ssh_pub_key`",
                      hint="give both")
    result = told(asked, {"key": None}, {"key": a.name})
    if asked.check:
        return {**result, "data": {"ssh_key": {"name": a.name, "public_key": a.ssh_pub_key}}}
    key = api.key(name=a.name, public_key=a.ssh_pub_key)
    made = api.made(f"the key {a.name}", partial(same_key, api, a.ssh_pub_key), key.create)
    return {**result, "data": {"ssh_key": made}}


def _there(api: Api, a: Any) -> Mapping[str, Any] | None:
    """By the key itself or its fingerprint; by name only if it has nothing else, and the name is clear."""
    if a.ssh_pub_key:
        return same_key(api, a.ssh_pub_key)
    keys = api.all("account/keys", "ssh_keys")
    if a.fingerprint:
        return next((each for each in keys if each["fingerprint"] == a.fingerprint), None)
    named = [each for each in keys if each["name"] == a.name]
    if len(named) > 1:
        raise Refused(f"{api.place}: {len(named)} keys are called {a.name}", hint="say which by `fingerprint`")
    return named[0] if named else None
