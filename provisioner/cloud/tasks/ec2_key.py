"""A key pair of EC2, made of a public key."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from provisioner.cloud.errors import Refused
from provisioner.cloud.model import bare_key
from provisioner.cloud.providers.ec2 import tags
from provisioner.cloud.providers.ec2.api import Api
from provisioner.cloud.tasks.asked import Asked, Result, carried_out, plain, told
from provisioner.cloud.tasks.aws import as_texts, filters, tag_changes


def ensure(api: Api, asked: Asked) -> Result:
    a = asked.a
    there = _there(api, a.name)
    if a.state == "absent":
        if there is not None and not asked.check:
            api.if_there("delete_key_pair", KeyName=a.name)
        return {**told(asked, {"key": a.name if there else None}, {"key": None}), "key": None}
    if there is None and not a.key_material:
        raise Refused(f"{api.place}: there is no key pair {a.name}, and no `key_material` to make it of",
                      hint="give the public key: one that AWS makes would be in the records of this run")
    if there is None or (a.key_material and a.force and _differs(there, a.key_material)):
        return _imported(api, asked, there)
    changes = tag_changes(api, there["KeyPairId"], tags.of(there), a.tags, purge=a.purge_tags) if a.tags is not None \
        else ()
    result = carried_out(asked, changes)
    return {**result, "key": _shown(there if asked.check else _there(api, a.name) or there)}


def _imported(api: Api, asked: Asked, there: Mapping[str, Any] | None) -> Result:
    """The name of a key pair is unique in a region, so a repeated call cannot make a second one."""
    a = asked.a
    result = told(asked, {"public_key": there and there.get("PublicKey")}, {"public_key": a.key_material})
    kept = tags.of(there) if there and a.tags is None else a.tags or {}
    if asked.check:
        return {**result, "key": {"name": a.name, "tags": kept}}
    if there is not None:
        api.if_there("delete_key_pair", KeyName=a.name)
    specification = tags.specification(key_pair=as_texts(kept)) if kept else []
    try:
        api.created(api.call("import_key_pair", KeyName=a.name, PublicKeyMaterial=a.key_material.encode(),
                             TagSpecifications=specification))
    except Refused:
        made = _there(api, a.name)  # by an earlier try whose answer was lost
        if made is None or _differs(made, a.key_material):
            raise
    return {**result, "key": _shown(_there(api, a.name) or {"KeyName": a.name})}


def _there(api: Api, name: str) -> Mapping[str, Any] | None:
    pairs: list[Mapping[str, Any]] = api.call("describe_key_pairs", Filters=filters({"key-name": name}),
                                              IncludePublicKey=True)["KeyPairs"]
    return pairs[0] if pairs else None


def _differs(pair: Mapping[str, Any], public: str) -> bool:
    return bare_key(str(pair.get("PublicKey", ""))) != bare_key(public)


def _shown(pair: Mapping[str, Any]) -> dict[str, Any]:
    shown = plain(pair)
    return {"name": shown["key_name"], "id": shown.get("key_pair_id"), "fingerprint": shown.get("key_fingerprint"),
            "type": shown.get("key_type"), "tags": shown.get("tags", {})}
