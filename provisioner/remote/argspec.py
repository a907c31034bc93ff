"""Argument specifications as Ansible writes them: mappings that say what a module or a role takes.

Values are checked and converted, defaults filled in, and what is wrong is told in Ansible's words, for those who look
for them. `Validated.parameters` has every argument, `None` where nothing was given.
"""

from __future__ import annotations

from typing import Any, List, Mapping, NamedTuple, Sequence

from provisioner.remote.argtypes import convert, type_name


class Rules(NamedTuple):
    """What arguments say about each other."""

    mutually_exclusive: "Sequence[Any]" = ()
    required_together: "Sequence[Any]" = ()
    required_one_of: "Sequence[Any]" = ()
    required_if: "Sequence[Any]" = ()
    required_by: "Mapping[str, Any]" = {}  # noqa: RUF012 - a tuple's default


class Validated(NamedTuple):
    parameters: "dict[str, Any]"
    errors: "list[str]"
    secrets: "set[str]"
    """Values of arguments that are declared `no_log`."""


def validate(spec: "Mapping[str, Mapping[str, Any]]", given: "Mapping[str, Any]", rules: Rules = Rules(),  # noqa: B008
             *, module: str = "", closed: bool = True, within: str = "") -> Validated:
    """Check `given`. closed: arguments that `spec` does not name are wrong. within: the argument that holds these."""
    suffix = " found in %s" % within if within else ""
    values = _canonical(spec, given)
    errors: "list[str]" = []
    secrets: "set[str]" = set()
    errors += [text + suffix for text in _relations_before(spec, values, rules)]
    for name, option in spec.items():
        if option.get("no_log"):
            _gather(values.get(name), secrets)
        if values.get(name) is not None:
            values[name] = _convert(name, option, values[name], errors, suffix)
    _fill(spec, values)
    errors += [text + suffix for text in _relations_after(values, rules)]
    for name, option in spec.items():
        if option.get("options") is not None and values.get(name) is not None:
            path = "%s -> %s" % (within, name) if within else name
            values[name] = _inner(option, values[name], path, errors, secrets)
    if closed:  # told last, as modules tell only the first of all mistakes
        errors += _unsupported(spec, values, module, within)
    return Validated(values, errors, secrets)


# -- names and defaults ------------------------------------------------------------------------------------------


def _canonical(spec: "Mapping[str, Mapping[str, Any]]", given: "Mapping[str, Any]") -> "dict[str, Any]":
    """The values by the arguments' own names."""
    aliases = {alias: name for name, option in spec.items() for alias in option.get("aliases") or ()}
    values: "dict[str, Any]" = {}
    for name, value in given.items():
        own = aliases.get(name, name) if name not in spec else name
        if own in values and own != name:
            continue  # both names were given: the argument's own counts
        values[own] = value
    return values


def _unsupported(spec: "Mapping[str, Any]", values: "Mapping[str, Any]", module: str, within: str) -> "list[str]":
    wrong = sorted(str(name) for name in values if name not in spec)
    if not wrong:
        return []
    known = ", ".join(sorted(
        "%s (%s)" % (name, ", ".join(sorted(option["aliases"]))) if option.get("aliases") else name
        for name, option in spec.items()))
    names = ", ".join("%s.%s" % (within.replace(" -> ", "."), name) if within else name for name in wrong)
    for_module = " for (%s) module" % module if module else ""
    return ["Unsupported parameters%s: %s. Supported parameters include: %s." % (for_module, names, known)]


def _fill(spec: "Mapping[str, Mapping[str, Any]]", values: "dict[str, Any]") -> None:
    for name, option in spec.items():
        if values.get(name) is not None:
            continue
        values[name] = option.get("default")
        fallback = option.get("fallback")
        if values[name] is None and fallback:
            values[name] = _fallback(fallback)


def _fallback(fallback: "Sequence[Any]") -> Any:
    function, *rest = fallback
    words = [word for part in rest if isinstance(part, (list, tuple)) for word in part]
    words += [part for part in rest if isinstance(part, str)]
    options = next((part for part in rest if isinstance(part, dict)), {})
    try:
        return function(*words, **options)
    except Exception:  # Ansible's word for "no fallback" is an exception of the module's own import
        return None


# -- relations -------------------------------------------------------------------------------------------------------


def _groups(given: "Sequence[Any]") -> "list[Sequence[str]]":
    return [given] if given and isinstance(given[0], str) else list(given)


def _relations_before(spec: "Mapping[str, Mapping[str, Any]]", values: "Mapping[str, Any]",
                      rules: Rules) -> "list[str]":
    errors = []
    for group in _groups(rules.mutually_exclusive):
        if sum(values.get(name) is not None for name in group) > 1:
            errors.append("parameters are mutually exclusive: %s" % "|".join(group))
    missing = [name for name, option in spec.items() if option.get("required") and name not in values]
    if missing:
        errors.append("missing required arguments: %s" % ", ".join(sorted(missing)))
    return errors


def _relations_after(values: "Mapping[str, Any]", rules: Rules) -> "list[str]":
    def has(name: str) -> bool:
        return values.get(name) is not None

    errors = []
    for group in _groups(rules.required_together):
        if any(map(has, group)) and not all(map(has, group)):
            errors.append("parameters are required together: %s" % ", ".join(group))
    for group in _groups(rules.required_one_of):
        if not any(map(has, group)):
            errors.append("one of the following is required: %s" % ", ".join(group))
    for rule in rules.required_if:
        name, wanted, needed = rule[0], rule[1], rule[2]
        missing = [other for other in needed if not has(other)]
        any_will_do = len(rule) > 3 and rule[3]
        if values.get(name) == wanted and missing and (not any_will_do or len(missing) == len(needed)):
            errors.append("%s is %s but %s of the following are missing: %s" % (
                name, wanted, "any" if any_will_do else "all", ", ".join(missing)))
    for name, needed in rules.required_by.items():
        missing = [other for other in ([needed] if isinstance(needed, str) else needed) if not has(other)]
        if has(name) and missing:
            errors.append("missing parameter(s) required by '%s': %s" % (name, ", ".join(missing)))
    return errors


# -- values ------------------------------------------------------------------------------------------------------------


def _convert(name: str, option: "Mapping[str, Any]", value: Any, errors: "list[str]", suffix: str) -> Any:
    wanted = option.get("type") or "str"
    try:
        value = convert(value, wanted)
        if wanted == "list" and option.get("elements"):
            value = _convert_elements(name, option["elements"], value, errors, suffix)
    except (TypeError, ValueError) as error:
        errors.append("argument '%s' is of type %s and we were unable to convert to %s: %s%s" % (
            name, type_name(value), wanted, "its value is not shown" if option.get("no_log") else error, suffix))
        return value
    _check_choices(name, option, value, errors, suffix)
    return value


def _convert_elements(name: str, wanted: Any, items: "list[Any]", errors: "list[str]", suffix: str) -> "list[Any]":
    converted = []
    for item in items:
        try:
            converted.append(convert(item, wanted))
        except (TypeError, ValueError) as error:
            errors.append("Elements value for option '%s' is of type %s and we were unable to convert to %s: %s%s" % (
                name, type_name(item), wanted, error, suffix))
    return converted


def _check_choices(name: str, option: "Mapping[str, Any]", value: Any, errors: "list[str]", suffix: str) -> None:
    choices = option.get("choices")
    if not choices:
        return
    known = list(choices)
    shown = ", ".join(map(str, known))
    if isinstance(value, list):
        wrong = [item for item in value if item not in known]
        if wrong:
            errors.append("value of %s must be one or more of: %s. Got no match for: %s%s" % (
                name, shown, ", ".join(map(str, wrong)), suffix))
    elif value not in known:
        errors.append("value of %s must be one of: %s, got: %s%s" % (name, shown, value, suffix))


def _inner(option: "Mapping[str, Any]", value: Any, path: str, errors: "list[str]", secrets: "set[str]") -> Any:
    """The mapping, or list of mappings, that `options` describe."""
    rules = Rules(**{name: option[name] for name in Rules._fields if option.get(name)})
    checked = []
    for item in value if isinstance(value, list) else [value]:
        if not isinstance(item, Mapping):
            errors.append("value of '%s' must be of type dict or list of dicts" % path)
            checked.append(item)
            continue
        inner = validate(option["options"], item, rules, within=path)
        errors += inner.errors
        secrets |= inner.secrets
        checked.append(inner.parameters)
    return checked if isinstance(value, list) else checked[0]


def _gather(value: Any, secrets: "set[str]") -> None:
    if isinstance(value, Mapping):
        for item in value.values():
            _gather(item, secrets)
    elif isinstance(value, (list, tuple)):
        for item in value:
            _gather(item, secrets)
    elif value is not None and not isinstance(value, bool):
        secrets.add(str(value))


def names(spec: "Mapping[str, Mapping[str, Any]]") -> List[str]:
    """Every name under which an argument may be given."""
    return [*spec, *(alias for option in spec.values() for alias in option.get("aliases") or ())]
