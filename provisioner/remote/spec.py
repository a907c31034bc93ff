"""What a module takes: one `Spec` feeds validation, documentation, completion and check mode.

The same code checks arguments on the controller when a playbook is loaded (constant values only), again
when they are rendered, and once more on the host before the module sees them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Callable, NamedTuple, Optional

# Named tuples, because `dataclasses` would cost every session 9 ms of the host's time to import.


class ArgumentError(ValueError):
    """Wrong arguments; `problems` lists all of them."""

    def __init__(self, problems: "list[Problem]") -> None:
        super().__init__("; ".join(p.message for p in problems))
        self.problems = problems

    @property
    def hint(self) -> str:
        """How to mend them, "" when nothing more is known."""
        return "; ".join(problem.hint for problem in self.problems if problem.hint)


class Problem(NamedTuple):
    """One thing wrong with an argument. `argument` is "" when it is about the whole set."""

    argument: str
    message: str
    hint: str = ""


class Arg(NamedTuple):
    """One argument.

    type: str, int, float, bool, list, dict, path (``~`` and ``$VAR`` are expanded on the host), mode (a file
    mode), size (bytes, "10M" allowed), raw (as it comes), content (a reference made by the controller).
    elements: the type of a list's items. secret: never shown, never stored. internal: set by the controller
    half of the module, not by users.
    """

    type: str = "str"
    required: bool = False
    default: Any = None
    choices: "tuple[Any, ...]" = ()
    elements: Optional[str] = None
    aliases: "tuple[str, ...]" = ()
    secret: bool = False
    internal: bool = False
    doc: str = ""
    options: "Optional[Mapping[str, Arg]]" = None
    """The keys of a dict argument (or of each dict in a list)."""


class Spec(NamedTuple):
    """A module's contract.

    check: what check mode does with it. "state": the module has `current`, `wanted`, `apply`, and the
    framework compares. "skip": not run (its output is then unknown). "run": reads only, always run.
    "predict": `run` is called in check mode too and tells from `ctx.check` what it would do.
    identity: the arguments that name the resource (`("path",)`), so that drift follows the resource and not
    the task's position. free_form: the argument that takes a bare string.
    """

    name: str
    summary: str
    args: "Mapping[str, Arg]" = {}  # noqa: RUF012 - a tuple's default; nobody changes it
    check: str = "state"
    identity: "tuple[str, ...]" = ()
    free_form: Optional[str] = None
    open_ended: bool = False
    """Takes any further argument (`set_fact`, `debug`-like modules of the controller)."""
    required_one_of: "tuple[tuple[str, ...], ...]" = ()
    mutually_exclusive: "tuple[tuple[str, ...], ...]" = ()
    required_together: "tuple[tuple[str, ...], ...]" = ()
    required_if: "tuple[tuple[str, Any, tuple[str, ...]], ...]" = ()
    """(argument, value, arguments then needed)"""
    words: "Mapping[str, str]" = {}  # noqa: RUF012
    """What is told in place of our words for a mistake, where the same module of Ansible has words of its own."""
    notes: str = ""
    examples: str = ""
    """YAML: a list of tasks. A test parses and validates it."""
    returns: "Mapping[str, str]" = {}  # noqa: RUF012

    def canonical(self, name: str) -> Optional[str]:
        """The argument's own name for `name` or one of its aliases; None when there is none."""
        if name in self.args:
            return name
        for own, arg in self.args.items():
            if name in arg.aliases:
                return own
        return None

    def problems(self, given: "Mapping[str, Any]",
                 is_known: "Callable[[Any], bool]" = lambda value: True) -> "list[Problem]":
        """Everything wrong with `given`; values for which `is_known` is False (templates) are not looked into."""
        found: "list[Problem]" = []
        names: "dict[str, Any]" = {}
        meant = []
        for name, value in given.items():
            own = self.canonical(name)
            if own is None:
                if not self.open_ended:
                    meant.append(self._nearest(name))
                    words = _OF_PART if self.name == _PART else "Unsupported parameters for (%s) module: %s"
                    found.append(Problem(name, words % (self.name, name), self._near(name)))
                continue
            names[own] = value
            if value is not None and is_known(value):
                try:
                    convert(self.args[own], value, is_known)
                except ValueError as error:
                    found.append(Problem(name, "`%s`: %s" % (name, error)))
        missing = [name for name, arg in self.args.items()
                   if arg.required and names.get(name) is None and name not in meant
                   and not (arg.type == "raw" and name in names)]
        if missing:
            hint = "; ".join("`%s`: %s" % (name, self.args[name].doc) for name in missing if self.args[name].doc)
            found.append(Problem("", "missing required arguments: %s" % ", ".join(missing), hint))
        if not meant:  # a misspelt name may be the one that is missed: that is told once
            found.extend(self._relations(names, is_known))
        return [problem._replace(message=self.words.get(problem.message, problem.message)) for problem in found]

    def bind(self, given: "Mapping[str, Any]") -> "Arguments":
        """Checked and converted arguments with defaults; raises `ArgumentError` with all problems."""
        found = self.problems(given)
        if found:
            raise ArgumentError(found)
        values = {name: arg.default for name, arg in self.args.items()}
        extra = {}
        for name, value in given.items():
            own = self.canonical(name)
            if own is None:
                extra[name] = value
            elif value is not None:
                values[own] = convert(self.args[own], value)
        return Arguments(values, extra)

    def secrets(self) -> "frozenset[str]":
        """Names of the arguments whose values must never be shown."""
        return frozenset(name for name, arg in self.args.items() if arg.secret)

    def _nearest(self, name: str) -> Optional[str]:
        return _nearest(name, self._public())

    def _public(self) -> "list[str]":
        return [own for own, arg in self.args.items() if not arg.internal]

    def _near(self, name: str) -> str:
        match = self._nearest(name)
        return "did you mean `%s`?" % match if match else "it takes: %s" % ", ".join(self._public())

    def _relations(self, names: "Mapping[str, Any]", is_known: "Callable[[Any], bool]") -> "list[Problem]":
        def present(name: str) -> bool:
            return names.get(name) is not None

        found = []
        for group in self.required_one_of:
            if not any(map(present, group)):
                shown = [name for name in group if not self.args[name].internal]
                found.append(Problem("", "`%s`: one of the following is required: %s" % (self.name, ", ".join(shown))))
        for group in self.mutually_exclusive:
            if sum(map(present, group)) > 1:
                both = [name for name in group if present(name)]
                found.append(Problem(both[1], "parameters are mutually exclusive: %s" % "|".join(both)))
        for group in self.required_together:
            if any(map(present, group)) and not all(map(present, group)):
                found.append(Problem("", "%s go together" % _listing(group)))
        for name, value, needed in self.required_if:
            actual = names.get(name, self.args[name].default)
            if is_known(actual) and actual == value:
                missing = [other for other in needed if not present(other)]
                if missing:
                    found.append(Problem("", "`%s: %s` needs %s" % (name, value, _listing(missing))))
        return found


class Arguments:
    """Bound arguments as attributes (`a.path`); `a.extra` holds those of an open-ended module."""

    def __init__(self, values: "Mapping[str, Any]", extra: "Mapping[str, Any]") -> None:
        self.__dict__.update(values)
        self.extra = dict(extra)

    def __getattr__(self, name: str) -> Any:  # only reached for names the Spec does not declare
        raise AttributeError("the module's Spec declares no argument %r" % name)

    def as_dict(self) -> "dict[str, Any]":
        return {name: value for name, value in self.__dict__.items() if name != "extra"}


def _nearest(name: str, known: "list[str]") -> Optional[str]:
    import difflib  # noqa: PLC0415 - 5 ms, for mistakes only

    return next(iter(difflib.get_close_matches(name, known, n=1, cutoff=0.6)), None)


def _listing(names: "Any") -> str:
    return ", ".join("`%s`" % name for name in names)


TRUE = frozenset(["y", "yes", "on", "1", "true", "t"])
FALSE = frozenset(["n", "no", "off", "0", "false", "f"])


def to_bool(value: Any) -> bool:
    """A boolean from what YAML or a template gives; raises ValueError for anything doubtful."""
    if isinstance(value, bool):
        return value
    text = str(value).strip().lower()
    if text in TRUE or value == 1:
        return True
    if text in FALSE or value == 0:
        return False
    raise ValueError("%r is not a boolean" % (value,))


def to_mode(value: Any) -> str:
    """A file mode as the text modules work with: octal with four digits ("0644") or symbolic ("u=rwX,go=rX").

    YAML reads ``0644`` as 420 and ``644`` as 644; the second is surely a mistake and refused.
    """
    if isinstance(value, bool):
        raise ValueError("%r is not a file mode" % (value,))
    if isinstance(value, int):
        if _looks_like_mode(value):
            raise ValueError(
                '%d is read as a decimal number, that is mode %04o; write "0%d" in quotes' % (value, value, value))
        if not 0 <= value <= 0o7777:
            raise ValueError("%r is not a file mode" % (value,))
        return "%04o" % value
    text = str(value).strip()
    if text.isdecimal():
        try:
            number = int(text, 8)
        except ValueError:
            raise ValueError("%r is not octal: a mode has only the digits 0 to 7" % text) from None
        if number > 0o7777:
            raise ValueError("%r is not a file mode" % text)
        return "%04o" % number
    if text == "preserve" or (text and all(part[:1] in "ugoa+-=" for part in text.split(","))):
        return text
    raise ValueError("%r is neither octal nor symbolic (like u=rw,g=r,o=r)" % text)


_USUAL_MODES = frozenset([
    "400", "440", "444", "500", "550", "555", "600", "640", "644", "660", "664", "666", "700", "710", "711", "750",
    "751", "755", "770", "775", "777", "2755", "2775", "1777", "4755",
])  # fmt: skip


def _looks_like_mode(number: int) -> bool:
    return str(number) in _USUAL_MODES and "%o" % number not in _USUAL_MODES


_UNITS = {"": 1, "b": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}


def to_size(value: Any) -> int:
    """Bytes from a number or a text like "10M" (powers of 1024)."""
    text = str(value).strip().lower()
    digits = text.rstrip("bkmgti").strip()
    unit = text[len(digits):].strip().rstrip("b").rstrip("i")
    try:
        return int(float(digits) * _UNITS[unit])
    except (ValueError, KeyError):
        raise ValueError("%r is not a size like 10M" % (value,)) from None


def _to_str(value: Any) -> str:
    if isinstance(value, (dict, list, tuple)):
        raise ValueError("a text is expected, not a %s" % ("mapping" if isinstance(value, dict) else "list"))
    return value if isinstance(value, str) else str(value)


def _to_int(value: Any) -> int:
    if isinstance(value, bool):
        raise ValueError("a number is expected, not %r" % value)
    try:
        if isinstance(value, float) and not value.is_integer():
            raise ValueError
        return int(value)
    except (TypeError, ValueError):
        raise ValueError("a whole number is expected, not %r" % (value,)) from None


def _to_float(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        raise ValueError("a number is expected, not %r" % (value,)) from None


def _to_list(value: Any) -> "list[Any]":
    if isinstance(value, (list, tuple)):
        return list(value)
    if isinstance(value, str):
        return [part.strip() for part in value.split(",")] if value else []
    if isinstance(value, (int, float)):
        return [value]
    raise ValueError("a list is expected, not a mapping")


def _to_dict(value: Any) -> "dict[str, Any]":
    if isinstance(value, Mapping):
        return dict(value)
    raise ValueError("a mapping is expected, not %r" % (value,))


_CONVERTERS: "dict[str, Callable[[Any], Any]]" = {
    "str": _to_str, "path": _to_str, "int": _to_int, "float": _to_float, "bool": to_bool, "list": _to_list,
    "dict": _to_dict, "mode": to_mode, "size": to_size, "raw": lambda value: value, "content": _to_dict,
}


def convert(arg: Arg, value: Any, is_known: "Callable[[Any], bool]" = lambda value: True) -> Any:
    """`value` as `arg` wants it; raises ValueError with what was expected."""
    result = _CONVERTERS[arg.type](value)
    if arg.type == "list":
        inner = Arg(type=arg.elements or "raw", options=arg.options)
        result = [convert(inner, item, is_known) if is_known(item) else item for item in result]
    if arg.options is not None and isinstance(result, dict):
        result = _convert_options(arg.options, result, is_known)
    if arg.choices:
        for item in result if isinstance(result, list) else [result]:
            if is_known(item) and item not in arg.choices:
                known = ", ".join(map(str, arg.choices))
                raise ValueError("%r is not one of %s%s" % (item, known, _near_choice(item, arg.choices)))
    return result


def _near_choice(item: Any, choices: "tuple[Any, ...]") -> str:
    match = _nearest(str(item), [str(choice) for choice in choices])
    return "; did you mean %s?" % match if match else ""


_PART = "this mapping"
"""The name of a spec that is of an argument's options, not of a module."""
_OF_PART = "%s has no argument `%s`"


def _as_written(name: Any, options: "Mapping[str, Arg]") -> str:
    """The name of an option as people write it: of YAML it comes as true where it is `on`."""
    word = ("on" if name else "off") if isinstance(name, bool) else str(name)
    return word if word in options else str(name)


def _convert_options(options: "Mapping[str, Arg]", given: "dict[str, Any]",
                     is_known: "Callable[[Any], bool]") -> "dict[str, Any]":
    inner = Spec(name=_PART, summary="", args=options)
    given = {_as_written(name, options): value for name, value in given.items()}
    found = inner.problems(given, is_known)
    if found:
        raise ValueError("; ".join(one.message + (" (%s)" % one.hint if one.hint else "") for one in found))
    values = {name: arg.default for name, arg in options.items()}
    for name, value in given.items():
        own = inner.canonical(name) or name
        values[own] = convert(options[own], value, is_known) if value is not None and is_known(value) else value
    return values
