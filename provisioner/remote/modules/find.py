"""Files found by name, kind, age, size, mode or content."""

from __future__ import annotations

import fnmatch
import os
import re
import stat
import time
from typing import Any, Callable, Iterator, NamedTuple, Optional

from provisioner.remote import filefacts
from provisioner.remote.fileattrs import path_of
from provisioner.remote.modebits import mode_bits
from provisioner.remote.sdk import Ctx, Result
from provisioner.remote.spec import Arg, Arguments, Spec
from provisioner.remote.textfile import compiled

SPEC = Spec(
    name="find",
    summary="Find files by what they are",
    check="run",
    args={
        "paths": Arg("list", required=True, elements="str", aliases=("name", "path"), doc="Directories to look in."),
        "patterns": Arg(
            "list",
            default=[],
            elements="str",
            aliases=("pattern",),
            doc="Shell patterns (with `use_regex` expressions) of names; any.",
        ),
        "excludes": Arg(
            "list", elements="str", aliases=("exclude",), doc="Patterns of names to leave out; wins over `patterns`."
        ),
        "use_regex": Arg(
            "bool", default=False, doc="Patterns are regular expressions that match from the start of a name."
        ),
        "file_type": Arg(default="file", choices=("any", "directory", "file", "link"), doc="What to give."),
        "recurse": Arg("bool", default=False, doc="Look below too."),
        "depth": Arg("int", doc="How deep to go with `recurse`; 1 is the directory itself."),
        "hidden": Arg("bool", default=False, doc="Also names that begin with a dot."),
        "follow": Arg("bool", default=False, doc="Follow links to directories."),
        "contains": Arg(doc="An expression that a line of the file must match from its start."),
        "read_whole_file": Arg("bool", default=False, doc="`contains` is searched in the whole file."),
        "encoding": Arg(default="utf-8", doc="Encoding for `contains`."),
        "age": Arg(doc="At least so old: a number with s, m, h, d or w; negative: at most."),
        "age_stamp": Arg(default="mtime", choices=("atime", "ctime", "mtime"), doc="Which time counts."),
        "size": Arg(doc="At least so large: a number with b, k, m, g or t; negative: at most."),
        "mode": Arg("raw", doc="Only with this mode, or at least these bits when `exact_mode` is false."),
        "exact_mode": Arg("bool", default=True, doc="Whether `mode` must be the whole mode."),
        "get_checksum": Arg("bool", default=False, doc="Give checksums of files."),
        "checksum_algorithm": Arg(
            default="sha1",
            choices=("md5", "sha1", "sha224", "sha256", "sha384", "sha512"),
            aliases=("checksum", "checksum_algo"),
            doc="Which checksum.",
        ),
        "limit": Arg("int", doc="Stop after so many."),
    },
    examples="""
- name: Old releases
  find:
    paths: /srv/shop/releases
    file_type: directory
    age: 4w
  register: old
- name: Large logs
  find:
    paths: [/var/log]
    patterns: ["*.log", "*.log.*"]
    recurse: true
    size: 100m
""",
    returns={
        "files": "A list; each with path and the fields of `stat`.",
        "matched": "How many.",
        "examined": "How many names were looked at.",
        "skipped_paths": "What couldn't be looked into, and why.",
        "msg": "A note when something was skipped.",
    },
)

_AGES = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_SIZES = {"b": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}


class Entry(NamedTuple):
    path: str
    name: str
    status: os.stat_result


class Directory(NamedTuple):
    """far: it lies deeper than `depth`; it is looked into, but nothing in it is meant."""

    path: str
    names: "list[str]"
    far: bool


Test = Callable[[Entry], bool]


def run(ctx: Ctx, a: Arguments) -> Result:
    tests = _tests(ctx, a)
    found: "list[dict[str, Any]]" = []
    skipped: "dict[str, str]" = {}
    examined = 0
    for given in a.paths:
        root = path_of(ctx, given, "paths")
        if not os.path.isdir(root):
            skipped[root] = "'%s' is not a directory" % root
            continue
        for directory in _walk(root, a, skipped, 1, set()):
            examined += len(directory.names)
            for entry in _entries(directory, a, skipped):
                if _passes(entry, tests, root, skipped):
                    found.append(_facts(ctx, a, entry))
                    if a.limit and len(found) >= a.limit:
                        break
            if a.limit and len(found) >= a.limit:
                break
        if a.limit and len(found) >= a.limit:
            break
    message = "All paths examined" if not skipped else "Not all paths examined, check warnings for details"
    for path, reason in skipped.items():
        ctx.warn("Skipped '%s' path due to this access issue: %s" % (path, reason))
    return Result(files=found, matched=len(found), examined=examined, skipped_paths=skipped, msg=message)


def _walk(
    path: str, a: Arguments, skipped: "dict[str, str]", depth: int, seen: "set[tuple[int, int]]"
) -> "Iterator[Directory]":
    """Every directory that is looked into: what lies in it, then what lies in those below."""
    try:
        names = sorted(os.listdir(path))
    except OSError as error:
        skipped[path] = "%s: %s" % (error.strerror or error, path)
        return
    far = bool(a.depth) and depth > a.depth
    yield Directory(path, names, far)
    if a.recurse and not far:
        for name in names:
            below = os.path.join(path, name)
            if _is_directory(below, a.follow, seen):
                yield from _walk(below, a, skipped, depth + 1, seen)


def _entries(directory: Directory, a: Arguments, skipped: "dict[str, str]") -> "Iterator[Entry]":
    """What may be meant. Below a hidden directory everything may: only the name itself counts, as in Ansible."""
    for name in directory.names:
        path = os.path.join(directory.path, name)
        if directory.far or (name.startswith(".") and not a.hidden):
            continue
        try:
            yield Entry(path, name, os.lstat(path))
        except FileNotFoundError:
            continue  # gone meanwhile
        except OSError as error:
            skipped[path] = error.strerror or str(error)


def _passes(entry: Entry, tests: "list[Test]", root: str, skipped: "dict[str, str]") -> bool:
    try:
        return all(test(entry) for test in tests)
    except (LookupError, UnicodeError) as error:
        skipped[root] = str(error)
        return False


def _is_directory(path: str, follow: bool, seen: "set[tuple[int, int]]") -> bool:
    if not os.path.isdir(path) or (os.path.islink(path) and not follow):
        return False
    status = os.stat(path)
    if (status.st_dev, status.st_ino) in seen:
        return False
    seen.add((status.st_dev, status.st_ino))
    return True


def _facts(ctx: Ctx, a: Arguments, entry: Entry) -> "dict[str, Any]":
    facts = {"path": entry.path, **filefacts.permissions(entry.status), **filefacts.numbers(entry.status)}
    if facts["isreg"] and a.get_checksum:
        facts["checksum"] = ctx.digest(entry.path, a.checksum_algorithm)
    if facts["islnk"]:
        facts["lnk_target"] = os.readlink(entry.path)
        facts["lnk_source"] = os.path.realpath(entry.path)
    return facts


# -- tests -----------------------------------------------------------------------------------------------------------


def _tests(ctx: Ctx, a: Arguments) -> "list[Test]":
    """What an entry must pass, the cheap ones first."""
    wanted = {"file": "isreg", "directory": "isdir", "link": "islnk"}.get(a.file_type)
    tests: "list[Test]" = []
    if wanted is not None:
        kind = wanted
        tests.append(lambda entry: bool(filefacts.permissions(entry.status)[kind]))
    if a.patterns:
        tests.append(_name_test(ctx, a, "patterns", a.patterns))
    if a.excludes:
        excluded = _name_test(ctx, a, "excludes", a.excludes)
        tests.append(lambda entry: not excluded(entry))
    if a.age is not None:
        tests.append(_age_test(ctx, a))
    if a.size is not None:
        least = _amount(ctx, "size", a.size, _SIZES)
        tests.append(lambda entry: _is_of_size(entry, least))
    if a.mode is not None:
        tests.append(_mode_test(ctx, a))
    if a.contains:
        tests.append(_content_test(ctx, a))
    return tests


def _name_test(ctx: Ctx, a: Arguments, argument: str, patterns: "list[str]") -> Test:
    if a.use_regex:
        expressions = [compiled(ctx, argument, pattern) for pattern in patterns]
        return lambda entry: any(expression.match(entry.name) for expression in expressions)
    return lambda entry: any(fnmatch.fnmatchcase(entry.name, pattern) for pattern in patterns)


def _is_of_size(entry: Entry, least: int) -> bool:
    """Only files have a size that says something."""
    size = entry.status.st_size
    return not stat.S_ISREG(entry.status.st_mode) or (size >= least if least >= 0 else size <= -least)


def _age_test(ctx: Ctx, a: Arguments) -> Test:
    least, now, stamp = _amount(ctx, "age", a.age, _AGES), time.time(), "st_" + a.age_stamp

    def test(entry: Entry) -> bool:
        age = now - float(getattr(entry.status, stamp))
        return age >= least if least >= 0 else age <= -least

    return test


def _amount(ctx: Ctx, argument: str, text: str, units: "dict[str, int]") -> int:
    match = re.fullmatch(r"(-?\d+)([a-z]?)[a-z]*", str(text).strip().lower())
    unit: Optional[int] = units.get(match.group(2) or next(iter(units))) if match else None
    if match is None or unit is None:
        raise ctx.fail("`%s` must be a number with one of %s, not %r" % (argument, ", ".join(units), text))
    return int(match.group(1)) * unit


def _mode_test(ctx: Ctx, a: Arguments) -> Test:
    text = "%04o" % a.mode if isinstance(a.mode, int) else str(a.mode)
    wanted = mode_bits(text, 0, is_directory=False)
    if a.exact_mode:
        return lambda entry: entry.status.st_mode & 0o7777 == wanted
    return lambda entry: entry.status.st_mode & wanted == wanted


def _content_test(ctx: Ctx, a: Arguments) -> Test:
    pattern = compiled(ctx, "contains", a.contains)

    def test(entry: Entry) -> bool:
        try:
            with open(entry.path, encoding=a.encoding) as source:
                if a.read_whole_file:
                    return pattern.search(source.read()) is not None
                return any(pattern.match(line) for line in source)
        except UnicodeError:
            told = "Failed to read the file %s due to an encoding error. current encoding: %s"
            raise UnicodeError(told % (entry.path, a.encoding)) from None
        except OSError:
            return False

    if a.file_type not in ("file",):
        return lambda entry: os.path.isfile(entry.path) and test(entry)
    return test
