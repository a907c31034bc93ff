"""The lookups `ini`, `csvfile` and `url`: values out of files of the controller and out of the web."""

from __future__ import annotations

import configparser
import csv
import re
import ssl
import urllib.error
import urllib.request
from base64 import b64encode
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from provisioner.diag import near
from provisioner.effects import files
from provisioner.values import Value

TIMEOUT = 10.0
_WORDS = re.compile(r"""(\w+="[^"]*"|\w+='[^']*')|([^ ]+)""")
_INI = frozenset({"file", "section", "re", "encoding", "default", "case_sensitive", "allow_no_value", "allow_none",
                  "type", "interpolation"})
_CSV = frozenset({"file", "col", "keycol", "delimiter", "encoding", "default"})


def ini(terms: Sequence[Value], options: Mapping[str, Value], search: Sequence[Path]) -> list[Value]:
    """The value of each key in a section of a file; with `re`, all values whose keys match."""
    found: list[Value] = []
    for term in terms:
        key, given = _old_form("ini", str(term), options, _INI)
        if not key:
            raise ValueError("No key to look up was provided as first term within string inline options")
        parser = configparser.ConfigParser(
            interpolation=configparser.BasicInterpolation() if given.get("interpolation", True) else None,
            allow_no_value=bool(given.get("allow_no_value", given.get("allow_none", False))))
        if given.get("case_sensitive"):
            parser.optionxform = str  # type: ignore[assignment,method-assign]
        path = files.find(str(given.get("file", "ansible.ini")), search, ("files",))
        text = path.read_text(encoding=str(given.get("encoding", "utf-8")))
        section = str(given.get("section", "global"))
        if given.get("type") == "properties":
            text, section = f"[java_properties]\n{text}", "java_properties"
        try:
            parser.read_string(text, str(path))
            pairs = {name: parser.get(section, name) for name in parser.options(section)}
        except configparser.NoSectionError:
            raise ValueError(f"No section {section!r} in {path}") from None
        except configparser.DuplicateOptionError as error:
            raise ValueError(f"Duplicate option in {path}: {error.message}") from None
        except configparser.Error as error:
            raise ValueError(error.message) from None
        if given.get("re"):
            found += [value for name, value in pairs.items() if re.match(key, name)]
        else:
            name = key if given.get("case_sensitive") else key.lower()
            value = pairs.get(name, given.get("default", ""))
            found += [] if value is None else [value]
    return found


def csvfile(terms: Sequence[Value], options: Mapping[str, Value], search: Sequence[Path]) -> list[Value]:
    """The column of the row whose first (or `keycol`) column is the key."""
    found: list[Value] = []
    for term in terms or [""]:
        key, given = _old_form("csvfile", str(term), options, _CSV)
        if not key:
            raise ValueError("Search key is required but was not found")
        path = files.find(str(given.get("file", "ansible.csv")), search, ("files",))
        delimiter = str(given.get("delimiter", "TAB"))
        with path.open(encoding=str(given.get("encoding", "utf-8")), newline="") as file:
            rows = csv.reader(file, delimiter="\t" if delimiter in ("TAB", "\\t") else delimiter)
            value = _cell(rows, key, _number(given, "keycol", 0), _number(given, "col", 1))
        value = given.get("default") if value is None else value
        found += value if isinstance(value, list) else [] if value is None else [value]
    return found


def _cell(rows: Iterable[list[str]], key: str, key_column: int, column: int) -> str | None:
    return next((row[column] for row in rows
                 if len(row) > max(key_column, column) and row[key_column] == key), None)


def _number(options: Mapping[str, Value], name: str, default: int) -> int:
    value: Any = options.get(name, default)
    try:
        return int(value)
    except ValueError:
        raise ValueError(f"the option {name!r} has an invalid value: {value!r} is no number of a column") from None


def _old_form(
    lookup: str, term: str, options: Mapping[str, Value], known: Collection[str]
) -> tuple[str, dict[str, Value]]:
    """`key section=a file="b c"` in one text, as people wrote it before there were options."""
    keys: list[str] = []
    pairs: dict[str, Value] = {}
    for quoted, bare in _WORDS.findall(term):
        name, equals, value = (quoted or bare).partition("=")
        if equals and name.isidentifier():
            pairs[name] = value.strip("\"'") if quoted else value
        else:
            keys.append(quoted or bare)
    given = {**options, **pairs}
    for name in given:
        if name not in known:
            hint = near(name, known)
            raise ValueError(f"{name!r} is not a valid option of the lookup `{lookup}`" + (f"; {hint}" if hint else ""))
    return term if not pairs else " ".join(keys), given


def url(terms: Sequence[Value], options: Mapping[str, Value]) -> list[Value]:
    """The lines of what is at each address, or with `split_lines: false` the whole text."""
    found: list[Value] = []
    for term in terms:
        text = _fetched(str(term), options)
        found += text.splitlines() if options.get("split_lines", True) else [text]
    return found


def _fetched(address: str, options: Mapping[str, Value]) -> str:
    if not address.lower().startswith(("http://", "https://")):
        raise ValueError(f"only http and https are fetched, not {address!r}")
    request = urllib.request.Request(address, headers=dict(options.get("headers") or {}))  # noqa: S310
    if options.get("username"):
        token = b64encode(f"{options['username']}:{options.get('password', '')}".encode()).decode()
        request.add_header("Authorization", f"Basic {token}")
    context = ssl.create_default_context()
    if options.get("validate_certs", True) is False:  # the playbook says so
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    handlers: list[Any] = [urllib.request.HTTPSHandler(context=context)]
    try:
        with urllib.request.build_opener(*handlers).open(request, timeout=float(
                options.get("timeout", TIMEOUT))) as response:
            data: bytes = response.read()
    except urllib.error.URLError as error:
        raise ValueError(f"{address}: {error}") from None
    return data.decode("utf-8")
