"""Which resource a task is about, and a hash of what it wants, so that runs can be compared by them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from provisioner.actions.base import HostWork
from provisioner.events import Resource
from provisioner.remote.spec import Spec
from provisioner.values import Secret


def resource(where: str, spec: Spec, args: Mapping[str, Any], work: HostWork, key: bytes) -> Resource:
    """args: as the task has them, with aliases. work: what is sent, where files are the hashes of their content.

    The hash is keyed because passwords are among the arguments: nobody can try them out on it.
    """
    own = {spec.canonical(name): value for name, value in args.items()}
    identity = {name: own[name] for name in spec.identity if own.get(name) is not None}
    wanted = hashlib.blake2b(json.dumps(_opened([work.module, work.args]), sort_keys=True).encode(), key=key,
                             digest_size=16)  # fmt: skip
    return Resource(where, spec.name, json.dumps(_opened(identity, masked=True), sort_keys=True), wanted.hexdigest())


def _opened(value: Any, *, masked: bool = False) -> Any:
    """As JSON data. masked: with nothing in the place of a secret."""
    if isinstance(value, Secret):
        return None if masked else value.reveal()
    if isinstance(value, Mapping):
        return {str(key): _opened(item, masked=masked) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_opened(item, masked=masked) for item in value]
    if isinstance(value, (set, frozenset)):
        return sorted(str(item) for item in value)
    return value if value is None or isinstance(value, (bool, int, float, str)) else str(value)
