"""To and from JSON, YAML and base64; hashes; parts of a URL; names of types."""

from __future__ import annotations

import base64
import hashlib
import json
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import quote as quote_url
from urllib.parse import unquote_plus, urlencode, urlsplit

from provisioner.template.lazy import plain
from provisioner.template.marks import Missing, UnknownMark
from provisioner.values import OMIT, Value


def _for_json(value: Value) -> Value:
    if isinstance(value, (UnknownMark, Missing)):
        value.refuse()
    if isinstance(value, Mapping):
        return dict(value.items())
    if isinstance(value, (set, frozenset, range, Iterator)):
        return list(value)
    if hasattr(value, "isoformat"):
        return value.isoformat()
    if value is OMIT:
        raise TypeError("`omit` cannot be written as JSON")
    raise TypeError(f"{type(value).__name__} cannot be written as JSON")


def to_json(value: Value, *, indent: int | None = None, sort_keys: bool = False, ensure_ascii: bool = True,
            separators: Value = None, vault_to_text: bool = True, preprocess_unsafe: bool = True) -> str:
    """
    >>> to_json({"a": [1, None, True]})
    '{"a": [1, null, true]}'
    """
    return json.dumps(value, default=_for_json, indent=indent, sort_keys=sort_keys, ensure_ascii=ensure_ascii,
                      separators=tuple(separators) if separators else None)


def to_script_json(value: Value, indent: int | None = None) -> str:
    """JSON that may stand inside HTML.

    >>> to_script_json("</script>")
    '"\\\\u003c/script\\\\u003e"'
    """
    text = to_json(value, indent=indent, sort_keys=True)
    for character in "<>&'":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def to_nice_json(value: Value, *, indent: int = 4, sort_keys: bool = True, ensure_ascii: bool = True) -> str:
    """
    >>> print(to_nice_json({"b": 1, "a": 2}))
    {
        "a": 2,
        "b": 1
    }
    """
    return to_json(value, indent=indent, sort_keys=sort_keys, ensure_ascii=ensure_ascii)


def from_json(text: Value) -> Value:
    """
    >>> from_json('{"a": 1}')
    {'a': 1}
    """
    return json.loads(text)


def to_yaml(value: Value, *, indent: int = 2, default_flow_style: bool | None = None, width: int = 80,
            sort_keys: bool = True, explicit_start: bool = False, explicit_end: bool = False,
            allow_unicode: bool = True, default_style: str | None = None, canonical: bool | None = None) -> str:
    """
    >>> to_yaml({"a": 1, "b": "x: y"})
    "{a: 1, b: 'x: y'}\\n"
    >>> to_yaml({"a": [1, 2], "b": 3})
    'a: [1, 2]\\nb: 3\\n'
    """
    from provisioner.lang.yaml_dump import dump  # noqa: PLC0415 - lang imports template to check syntax

    return dump(plain(value), indent=indent, flow=default_flow_style, width=width, sort_keys=sort_keys,
                explicit_start=explicit_start, explicit_end=explicit_end, allow_unicode=allow_unicode,
                style=default_style, canonical=canonical)


def to_nice_yaml(value: Value, *, indent: int = 4, **options: Any) -> str:
    """
    >>> print(to_nice_yaml({"a": [1, {"b": "x"}]}), end="")
    a:
    - 1
    -   b: x
    """
    return to_yaml(value, indent=indent, **{"default_flow_style": False, **options})


def from_yaml(text: Value) -> Value:
    """
    >>> from_yaml("a: [1, yes]")
    {'a': [1, True]}
    """
    from provisioner.lang.yaml_dump import load_plain  # noqa: PLC0415

    return load_plain(text) if isinstance(text, str) else text


def from_yaml_all(text: Value) -> Value:
    """
    >>> from_yaml_all("a: 1\\n---\\nb: 2")
    [{'a': 1}, {'b': 2}]
    """
    from provisioner.lang.yaml_dump import load_all_plain  # noqa: PLC0415

    return load_all_plain(text) if isinstance(text, str) else [] if text is None else text


def b64encode(value: Value, encoding: str = "utf-8", urlsafe: bool = False) -> str:
    """
    >>> b64encode("hi")
    'aGk='
    """
    data = value if isinstance(value, bytes) else str(value).encode(encoding)
    return (base64.urlsafe_b64encode if urlsafe else base64.b64encode)(data).decode()


def b64decode(value: str, encoding: str = "utf-8", urlsafe: bool = False) -> str:
    """
    >>> b64decode("aGk=")
    'hi'
    """
    return (base64.urlsafe_b64decode if urlsafe else base64.b64decode)(value).decode(encoding)


def digest(value: Value, hashtype: str = "sha1") -> str:
    """
    >>> digest("a", "md5")
    '0cc175b9c0f1b6a831c399e269772661'
    """
    data = value if isinstance(value, bytes) else str(value).encode()
    if hashtype not in hashlib.algorithms_available:
        raise ValueError(f"unsupported hash type {hashtype!r}")
    return hashlib.new(hashtype, data, usedforsecurity=False).hexdigest()


def md5(value: Value) -> str:
    """
    >>> md5("a")
    '0cc175b9c0f1b6a831c399e269772661'
    """
    return digest(value, "md5")


def sha1(value: Value) -> str:
    """
    >>> sha1("a")
    '86f7e437faa5a7fce15d1ddcb9eaeaea377667b8'
    """
    return digest(value, "sha1")


_PARTS = ("scheme", "netloc", "path", "query", "fragment", "hostname", "port", "username", "password")


def url_split(value: str, query: str = "") -> Value:
    """
    >>> url_split("https://u@h:8/p?q=1", "port")
    8
    """
    parts = urlsplit(value)
    found = {name: getattr(parts, name) for name in _PARTS}
    if not query:
        return found
    if query not in found:
        raise ValueError(f"unknown URL component: {query}; there are {', '.join(_PARTS)}")
    return found[query]


def url_encode(value: Value) -> str:
    """
    >>> url_encode("a b/c"), url_encode({"a": 1, "b": "x y"}), url_encode([("a", 1), ("a", 2)])
    ('a%20b/c', 'a=1&b=x+y', 'a=1&a=2')
    """
    if isinstance(value, Mapping):
        return urlencode(dict(value.items()))
    if isinstance(value, Iterable) and not isinstance(value, (str, bytes)):
        return urlencode([tuple(pair) for pair in value])
    return quote_url(str(value), safe="/")


def url_decode(value: Value) -> str:
    """
    >>> url_decode("a%20b+c")
    'a b c'
    """
    return unquote_plus(str(value))


def to_uuid(value: Value, namespace: str = "361e6d51-faec-444a-9079-341386da8e2e") -> str:
    """A UUID made from text: the same text gives the same one.

    >>> to_uuid("web1"), to_uuid("web1", namespace="6ba7b810-9dad-11d1-80b4-00c04fd430c8")
    ('4ebc6093-8026-5090-bb95-a592e5a6aec3', '7c3c4f8a-63ca-5da2-bb74-dc6f8fc4553a')
    """
    if not isinstance(namespace, str):
        raise TypeError(f"Invalid value for `namespace`: {namespace!r} is no UUID")
    return str(uuid.uuid5(uuid.UUID(namespace), str(value)))


def type_debug(value: Value) -> str:
    """
    >>> type_debug([1])
    'list'
    """
    kinds: tuple[tuple[Any, str], ...] = ((bool, "bool"), (str, "str"), (dict, "dict"), (list, "list"))
    return next((name for kind, name in kinds if isinstance(value, kind)), type(value).__name__)


def finalize(value: Value) -> Value:
    """
    >>> finalize(({"a": range(2)},))
    [{'a': [0, 1]}]
    """
    return plain(value)


FILTERS: Mapping[str, Callable[..., Any]] = {
    "to_json": to_json, "to_nice_json": to_nice_json, "tojson": to_script_json, "from_json": from_json,
    "to_yaml": to_yaml, "to_nice_yaml": to_nice_yaml, "from_yaml": from_yaml, "from_yaml_all": from_yaml_all,
    "b64encode": b64encode, "b64decode": b64decode, "hash": digest, "md5": md5, "sha1": sha1, "checksum": sha1,
    "urlsplit": url_split, "urlencode": url_encode, "urldecode": url_decode, "to_uuid": to_uuid,
    "type_debug": type_debug, "ansible._protomatter.finalize": finalize,
}
