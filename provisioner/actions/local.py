"""What the actions that send the controller's files share: finding them, and content made of values."""

from __future__ import annotations

import hashlib
import json
import keyword
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from provisioner.actions.base import Done, Expansion, content_of
from provisioner.messages import Content
from provisioner.remote.spec import Spec, to_bool
from provisioner.template.effects import Effect
from provisioner.values import Secret, Value, contains_unknown

#: What templates read as values, so that variables of these names could never be read.
_CONSTANTS = frozenset({"true", "false", "none"})


def own_names(spec: Spec, args: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments by their own names instead of aliases."""
    return {spec.canonical(name) or name: value for name, value in args.items()}


def refused(message: str, /, **more: Any) -> Done:
    """The task fails on the controller, before anything is sent."""
    return Done({"failed": True, "changed": False, "msg": message, **more})


def why_no_name(name: object) -> str:
    """What is wrong with the name of a variable; empty when it can be one."""
    text = str(name)
    if (isinstance(name, str) and text.isidentifier() and text.isascii() and not keyword.iskeyword(text)
            and text not in _CONSTANTS):
        return ""
    return (f"Invalid variable name '{text}': it must start with a letter or underscore, have only ASCII letters, "
            "digits and underscores, and be no word of Python's or Jinja's own")


def not_known(args: Mapping[str, Any]) -> Done | None:
    """The result of a task with an argument that check mode can't know."""
    unknown = contains_unknown(args)
    return None if unknown is None else Done({"changed": False, "unknown": unknown.reason})


def flag(args: Mapping[str, Any], name: str, default: bool) -> bool:
    value = args.get(name)
    return default if value is None else to_bool(value)


def local_name(value: Value) -> str:
    """The name of a file of the controller; one that is made from a secret still names that file."""
    return value.reveal() if isinstance(value, Secret) else str(value)


def with_names(spec: Spec, args: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """`args` with the arguments called `names` opened where they are secret: they name things of the controller."""
    return {name: opened(value) if spec.canonical(name) in names else value for name, value in args.items()}


def opened(value: Value) -> Value:
    """`value` with the secrets in it as plain text."""
    if isinstance(value, list):
        return [opened(item) for item in value]
    if isinstance(value, Mapping):
        return {name: opened(item) for name, item in value.items()}
    return value.reveal() if isinstance(value, Secret) else value


def find_file(call: Expansion, name: str, *subdirs: str, decrypt: bool = True) -> Mapping[str, Any]:
    """See `effects.sources.find_file`."""
    options = (("decrypt", decrypt), ("search", list(call.search)))
    found: Mapping[str, Any] = call.ask(Effect("find_file", (name, list(subdirs)), options))
    return found


def read_text(call: Expansion, name: str, *subdirs: str) -> Mapping[str, Any]:
    """See `effects.sources.read_text`."""
    found: Mapping[str, Any] = call.ask(Effect("read_text", (name, list(subdirs)), (("search", list(call.search)),)))
    return found


def content_of_file(found: Mapping[str, Any]) -> Content:
    data = found.get("data")
    path = found.get("source") or found["path"]
    return Content(found["sha256"], found["size"], data=data, path=None if data is not None else Path(path))


def text_of(value: Value) -> tuple[str, bool]:
    """The text that a `content` argument stands for, and whether it holds a secret.

    The text goes to the host, nowhere else: its checksum has to be known here, so a `Secret` is opened.
    """
    if isinstance(value, Secret):
        return value.reveal(), True
    if isinstance(value, str):
        return value, False
    if isinstance(value, (dict, list)):
        secrets: list[Secret] = []

        def opened(item: Any) -> str:
            if not isinstance(item, Secret):
                raise TypeError(f"a {type(item).__name__} can't be written as JSON")
            secrets.append(item)
            return item.reveal()

        return json.dumps(value, default=opened), bool(secrets)
    return "" if value is None else str(value), False


def content_arguments(data: bytes, *, secret: bool) -> tuple[dict[str, Any], Content]:
    """The internal arguments of the remote module `copy` for bytes made here, and the bytes."""
    content = content_of(data)
    sha1 = hashlib.sha1(data, usedforsecurity=False).hexdigest()
    return {"_content": content.reference(), "_sha1": sha1, "_secret": secret}, content
