"""Small parts of `ansible.module_utils`: booleans, dictionaries, finding programs, the language of programs."""

from __future__ import annotations

import re
from typing import Any, Dict, List, Mapping, Optional

from provisioner.remote.argtypes import FALSE, TRUE
from provisioner.remote.shim import commands

BOOLEANS_TRUE, BOOLEANS_FALSE = TRUE, FALSE
BOOLEANS = TRUE | FALSE


def boolean(value: Any, strict: bool = True) -> bool:
    word = value.strip().lower() if isinstance(value, str) else value
    if word in TRUE:
        return True
    if word in FALSE or not strict:
        return False
    raise TypeError("The value '%s' is not a valid boolean." % (value,))


def get_bin_path(arg: str, opt_dirs: Any = None, required: Any = None) -> str:
    found = commands.find(arg, opt_dirs or ())
    if found is None:
        raise ValueError("Failed to find required executable \"%s\" in paths: %s" % (arg, commands.PATHS))
    return found


def get_best_parsable_locale(module: Any, preferences: "Optional[List[str]]" = None,
                             raise_on_locale: bool = False) -> str:
    return "C.UTF-8"


def camel_dict_to_snake_dict(camel_dict: "Mapping[str, Any]", reversible: bool = False,
                             ignore_list: Any = ()) -> "Dict[str, Any]":
    """reversible: a name can be made the old one again. ignore_list: what is below these of the first level stays."""
    renamed = _capital_by_capital if reversible else _snake
    return {renamed(name): value if name in ignore_list else _deep(value, lambda v: camel_dict_to_snake_dict(
        v, reversible)) for name, value in camel_dict.items()}


def snake_dict_to_camel_dict(snake_dict: "Mapping[str, Any]", capitalize_first: bool = False) -> "Dict[str, Any]":
    return {_camel(name, capitalize_first): _deep(value, lambda v: snake_dict_to_camel_dict(v, capitalize_first))
            for name, value in snake_dict.items()}


def dict_merge(a: Any, b: Any) -> Any:
    if not isinstance(b, dict):
        return b
    merged = dict(a)
    for name, value in b.items():
        merged[name] = dict_merge(merged[name], value) if isinstance(merged.get(name), dict) else value
    return merged


def _deep(value: Any, convert: Any) -> Any:
    if isinstance(value, Mapping):
        return convert(value)
    return [_deep(item, convert) for item in value] if isinstance(value, list) else value


def _capital_by_capital(name: str) -> str:
    """
    >>> _capital_by_capital("IAMUser"), _snake("IAMUser")
    ('i_a_m_user', 'iam_user')
    """
    spaced = re.sub("[A-Z]", lambda found: "_" + found.group(0).lower(), name)
    return spaced[1:] if name[:1].isupper() else spaced


def _snake(name: str) -> str:
    spaced = re.sub(r"([A-Z]{2,}s$)", lambda found: "_" + found.group(0).lower(), name)
    return re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", spaced)).lower()


def _camel(name: str, first: bool) -> str:
    head, *rest = name.split("_")
    return (head.capitalize() if first else head) + "".join(word.capitalize() or "_" for word in rest)
