"""The boundaries between packages, and what no file may do: read from the sources, imports inside functions included.

`docs/architecture.md` describes them. A list here is exact: what is added to it needs a reason beside it.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import TypeVar

import pytest

ROOT = Path(__file__).parent.parent / "provisioner"
FILES = sorted(ROOT.rglob("*.py"))
LONGEST = 500  # lines

INSIDE: Mapping[str, frozenset[str]] = {
    "provisioner.diag": frozenset(),
    "provisioner.values": frozenset({"provisioner.diag"}),
    "provisioner.events": frozenset({"provisioner.values"}),
    "provisioner.messages": frozenset({"provisioner.diag", "provisioner.events", "provisioner.values"}),
    "provisioner.remote": frozenset(),
    "provisioner.lang": frozenset({"provisioner.diag", "provisioner.values", "provisioner.remote.spec"}),
    "provisioner.inventory": frozenset({
        "provisioner.diag", "provisioner.values", "provisioner.lang",
        "provisioner.lab.inventory", "provisioner.lab.paths",  # `plugin: lab`
        "provisioner.cloud.inventory",  # `plugin: machines`
    }),
    "provisioner.template": frozenset({
        "provisioner.diag", "provisioner.values",
        "provisioner.lang.yaml_dump",  # the filters to_yaml and from_yaml
        "provisioner.vault.cipher", "provisioner.vault.envelope",  # the filters vault and unvault
    }),
    "provisioner.vault": frozenset({"provisioner.diag", "provisioner.values"}),
    "provisioner.vars": frozenset({
        "provisioner.values", "provisioner.template",
        "provisioner.lang.model",  # roles bring variables
    }),
    "provisioner.engine": frozenset({
        "provisioner.diag", "provisioner.events", "provisioner.messages", "provisioner.values",
        "provisioner.lang.model", "provisioner.template", "provisioner.vars", "provisioner.inventory.model",
        "provisioner.actions.base",  # the contract of actions, no action
        "provisioner.remote.spec",  # the contract of modules, no module
    }),
    "provisioner.settings": frozenset({"provisioner.diag"}),
    "provisioner.factcache": frozenset({"provisioner.diag", "provisioner.values", "provisioner.remote.plain"}),
    "provisioner.transport": frozenset({
        "provisioner.diag", "provisioner.messages", "provisioner.values", "provisioner.remote",
    }),
    "provisioner.effects": frozenset({
        "provisioner.diag", "provisioner.durable", "provisioner.values", "provisioner.lang", "provisioner.template",
    }),
    "provisioner.actions": frozenset({
        "provisioner.diag", "provisioner.events", "provisioner.messages", "provisioner.values",
        "provisioner.lang.model", "provisioner.template.effects", "provisioner.remote",
        "provisioner.engine.modules",  # what the registry of actions gives to the engine
        "provisioner.engine.judge",  # the status of a result, for the steps a driving action shows
        "provisioner.transport.pool",  # driving actions have a session
        "provisioner.nextjs",  # `nextjs_app` is a door into it
        "provisioner.cloud.tasks", "provisioner.cloud.errors",  # single tasks at a cloud are doors into it
        "provisioner.cloud.providers.ec2.api",  # how long to wait
        "provisioner.effects.terminal",  # `pause` asks
    }),
    "provisioner.nextjs": frozenset({
        "provisioner.diag", "provisioner.messages", "provisioner.values", "provisioner.actions.base",
        "provisioner.calendars", "provisioner.template", "provisioner.vars",
        "provisioner.remote.spec", "provisioner.remote.nextjs",
    }),
    "provisioner.cloud": frozenset({
        "provisioner.diag", "provisioner.durable", "provisioner.values", "provisioner.remote.spec",
        "provisioner.lab",  # the provider `lab`
        "provisioner.lang.yaml",  # settings of other tools, where credentials are
    }),
    "provisioner.enrol": frozenset({
        "provisioner.diag", "provisioner.durable", "provisioner.messages", "provisioner.values",
        "provisioner.transport", "provisioner.vault",
        "provisioner.cloud.model", "provisioner.cloud.provider", "provisioner.cloud.errors",
        "provisioner.cloud.apply",  # the type of what a new machine is given
    }),
    "provisioner.ui": frozenset({"provisioner.diag", "provisioner.events", "provisioner.values"}),
    "provisioner.history": frozenset({
        "provisioner.diag", "provisioner.durable", "provisioner.events", "provisioner.values",
    }),
    "provisioner.baseline": frozenset({
        "provisioner.diag", "provisioner.durable", "provisioner.events", "provisioner.values", "provisioner.history",
        "provisioner.parting",
        "provisioner.vault.keyring",  # the shared key is encrypted by it
    }),
    "provisioner.drift": frozenset({
        "provisioner.diag", "provisioner.events", "provisioner.values", "provisioner.history", "provisioner.ui",
        "provisioner.baseline.signed", "provisioner.parting",
        "provisioner.remote.survey.traces",  # how long before a change hosts look for logins
        "provisioner.lang.yaml", "provisioner.lang.nodes",  # drift.yml
    }),
    "provisioner.watching": frozenset({
        "provisioner.diag", "provisioner.values", "provisioner.lang.model", "provisioner.inventory.model",
        "provisioner.drift.watchlist", "provisioner.history.surveys",
    }),
    "provisioner.schedule": frozenset({
        "provisioner.calendars", "provisioner.diag", "provisioner.durable", "provisioner.lang.model",
        "provisioner.remote.checkonly", "provisioner.transport.bundle",  # what a check-only key starts
    }),
    "provisioner.plugins": frozenset({"provisioner.diag", "provisioner.remote.shim"}),  # the shim by its name
    "provisioner.lookupbase": frozenset({
        "provisioner.lang.yaml_dump",  # what `DOCUMENTATION` says of options
        "provisioner.template.checks",
    }),
    "provisioner.ownlookups": frozenset({
        "provisioner.diag", "provisioner.values", "provisioner.plugins", "provisioner.lookupbase",
        "provisioner.template", "provisioner.vars.scope",
    }),
    "provisioner.pulling": frozenset({"provisioner.diag"}),
    "provisioner.durable": frozenset(),
    "provisioner.calendars": frozenset(),
    "provisioner.web": frozenset({
        "provisioner.diag", "provisioner.events", "provisioner.values", "provisioner.history", "provisioner.drift",
        "provisioner.ui", "provisioner.schedule",
    }),
    "provisioner.lab": frozenset({"provisioner.diag"}),
    "provisioner.answers": frozenset({
        "provisioner.diag", "provisioner.messages", "provisioner.values", "provisioner.effects", "provisioner.lang",
        "provisioner.template", "provisioner.engine.includes", "provisioner.ownlookups",
    }),
    "provisioner.demo": frozenset({"provisioner.app", "provisioner.diag", "provisioner.lab", "provisioner.ui.sinks"}),
    "provisioner.machines": frozenset({"provisioner.diag", "provisioner.events", "provisioner.lang.model",
                                       "provisioner.cloud"}),
    "provisioner.staging": frozenset({
        "provisioner.diag", "provisioner.events", "provisioner.values", "provisioner.lang.model",
        "provisioner.inventory.model", "provisioner.cloud", "provisioner.enrol", "provisioner.machines",
        "provisioner.app",  # the type of its argument
    }),
    "provisioner.driver": frozenset({
        "provisioner.diag", "provisioner.events", "provisioner.messages", "provisioner.values", "provisioner.engine",
        "provisioner.actions", "provisioner.parting", "provisioner.transport.pool",
    }),
    "provisioner.parting": frozenset({"provisioner.events", "provisioner.values"}),
}
"""Package -> what else of this project its files may import. `app`, `cli` and `testing` may import anything."""

THIRD_PARTY: Mapping[str, frozenset[str]] = {
    "fabric": frozenset({"provisioner.transport"}),
    "bcrypt": frozenset({"provisioner.template.passwords"}),
    "paramiko": frozenset({"provisioner.transport"}),
    "cryptography": frozenset({
        "provisioner.transport", "provisioner.vault.cipher", "provisioner.nextjs.certificates",
        "provisioner.enrol.hostca", "provisioner.enrol.throwaway",
    }),
    "yaml": frozenset({"provisioner.lang.yaml", "provisioner.lang.yaml_dump"}),
    "jinja2": frozenset({"provisioner.template", "provisioner.web.pages"}),
    "markupsafe": frozenset({"provisioner.web.pages"}),
    "jmespath": frozenset({"provisioner.template.filters.community"}),
    "click": frozenset({"provisioner.cli"}),
    "rich": frozenset({"provisioner.cli"}),
    "boto3": frozenset({
        "provisioner.nextjs.bucket", "provisioner.cloud.providers.ec2", "provisioner.testing.aws",
    }),
    "botocore": frozenset({"provisioner.nextjs.bucket", "provisioner.cloud.providers.ec2"}),
    "moto": frozenset({"provisioner.testing.aws"}),
    "werkzeug": frozenset({"provisioner.testing.aws", "provisioner.web.serving", "provisioner.cli.web"}),
    "digitalocean": frozenset({"provisioner.cloud.providers.digitalocean"}),
    "requests": frozenset({"provisioner.cloud.providers.digitalocean.wire"}),
    "openapi_schema_validator": frozenset({"provisioner.testing.digitalocean.contract"}),
    "referencing": frozenset({"provisioner.testing.digitalocean.contract"}),
}
"""Library -> who may import it."""

PLAIN = frozenset({"ast", "base64", "collections", "dataclasses", "difflib", "enum", "fnmatch", "functools", "hashlib",
                   "itertools", "json", "keyword", "math", "posixpath", "re", "reprlib", "shlex", "string",
                   "types", "typing"})
"""Of the standard library: computes and does nothing else."""

PURE: Mapping[str, frozenset[str]] = {
    "provisioner.calendars": PLAIN,
    "provisioner.diag": PLAIN,
    "provisioner.values": PLAIN,
    "provisioner.events": PLAIN,
    "provisioner.messages": PLAIN | {"pathlib"},  # where content lies; nothing is opened
    "provisioner.engine": PLAIN | {"pathlib"},
    "provisioner.vars": PLAIN,
    "provisioner.template": PLAIN | {"urllib.parse", "ipaddress", "ntpath"},
    "provisioner.template.filters.community": PLAIN | {"configparser", "csv", "unicodedata"},  # of text, never of files
    "provisioner.template.filters.dates": PLAIN | {"datetime"},  # text to a date; the present moment is an effect
    "provisioner.template.filters.encoding": PLAIN | {"urllib.parse", "uuid"},  # to_uuid: a hash
    "provisioner.lang": PLAIN | {"os", "pathlib"},  # reads the user's files
    "provisioner.lang.modules": PLAIN | {"pathlib", "importlib"},  # finds modules' Specs by their files
    "provisioner.remote.spec": PLAIN,
    "provisioner.cloud.providers.digitalocean.names": PLAIN,
    "provisioner.cloud.providers.digitalocean.refusals": PLAIN,
    "provisioner.cloud.providers.digitalocean.tags": PLAIN,
    "provisioner.nextjs.artifact": PLAIN,
    "provisioner.nextjs.detect": PLAIN,
    "provisioner.nextjs.export": PLAIN,
    "provisioner.nextjs.findings": PLAIN,
    "provisioner.nextjs.javascript": PLAIN,
    "provisioner.nextjs.managers": PLAIN,
    "provisioner.nextjs.modes": PLAIN,
    "provisioner.nextjs.next_config": PLAIN,
    "provisioner.nextjs.package_json": PLAIN,
    "provisioner.nextjs.objects": PLAIN,
    "provisioner.nextjs.plan": PLAIN,
    "provisioner.nextjs.preflight": PLAIN,
    "provisioner.nextjs.preflight_host": PLAIN,
    "provisioner.nextjs.preflight_place": PLAIN,
    "provisioner.nextjs.scripts": PLAIN,
    "provisioner.nextjs.semver": PLAIN,
    "provisioner.nextjs.signals": PLAIN,
    "provisioner.nextjs.workspace": PLAIN,
    "provisioner.remote.nextjs.release": PLAIN,
    "provisioner.enrol.userdata": PLAIN | {"email"},
    "provisioner.baseline.signed": PLAIN | {"hmac"},
    "provisioner.schedule.every": PLAIN,
    "provisioner.schedule.units": PLAIN,
    "provisioner.web.links": PLAIN | {"urllib.parse"},
    "provisioner.ui.moments": PLAIN | {"datetime"},
    "provisioner.web.plots": PLAIN | {"html"},
}
"""What is pure -> the parts of the standard library it may import. The longest name that fits counts."""

AMBIENT = frozenset({"now", "today", "utcnow", "uuid1", "uuid4", "urandom", "getrandom"})
"""Methods that give something else every time."""

REVEALS: Mapping[str, str] = {
    "provisioner.ui.redact": "has to know what to mask",
    "provisioner.transport": "the last place before the wire",
    "provisioner.enrol.userdata": "a machine's throw-away host key has to be in what it is told",
    "provisioner.drift.mail": "the mail server wants the password",
    "provisioner.nextjs.bucket": "boto3 signs requests with it",
    "provisioner.cloud.providers.ec2.api": "boto3 signs requests with it",
    "provisioner.cloud.providers.digitalocean.wire": "the token goes into the header of a request",
    "provisioner.template.lazy": "a template works on the text, as a `Tainted`",
    "provisioner.effects.answers": "a lookup gets its arguments as text",
    "provisioner.lang.yaml_dump": "to_yaml of a secret; the text is a secret again",
    "provisioner.actions.local": "content for a host: its checksum has to be known; names of the controller's files",
    "provisioner.engine.resources": "what is wanted is compared with what was, by a keyed hash",
    "provisioner.ownlookups": "a lookup of the user's own gets texts; what it gives then is a secret",
    "provisioner.engine.targets": "whom to connect to has to be known, also from an encrypted file",
}

ALLOWED_NAMES: Mapping[tuple[str, str], str] = {
    ("provisioner.transport.ssh", "exec_command"): "a channel's own, not SSHClient's, which dead-locks",
}
BANNED_NAMES = frozenset({"exec_command", "makefile_stdin"})

TRUSTING: Mapping[str, str] = {
    "provisioner.lang.nodes": "values in playbooks, roles and files of variables",
    "provisioner.lang.yaml": "the same as plain data: inventories, `-e @file`",
    "provisioner.lang.arguments": "the words of free-form arguments",
}

SHELLS: Mapping[str, str] = {"provisioner.effects.processes": "the lookup `pipe` runs what the playbook's author wrote"}

CHANGERS = frozenset({"append", "add", "update", "extend", "insert", "pop", "popitem", "clear", "remove", "discard",
                      "setdefault", "sort", "reverse", "appendleft"})

T = TypeVar("T")
Rule = Callable[[str, ast.Module], Iterator[str]]


def name_of(path: Path) -> str:
    parts = list(path.relative_to(ROOT.parent).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def is_in(module: str, packages: object) -> bool:
    """Whether `module` is one of `packages` or inside of one."""
    names = list(packages) if isinstance(packages, (Mapping, frozenset)) else [packages]
    return any(module == name or module.startswith(f"{name}.") for name in names)


def entry(module: str, table: Mapping[str, T]) -> T | None:
    """The table's entry whose name fits `module` best."""
    fitting = [name for name in table if is_in(module, name)]
    return table[max(fitting, key=len)] if fitting else None


@cache
def walk(tree: ast.Module) -> tuple[ast.AST, ...]:
    """Every node, kept: each rule goes over all of them."""
    return tuple(ast.walk(tree))


def imports(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Every imported module with its line, also inside functions; `from a import b` gives `a.b` where b is a module."""
    for node in walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = "." * node.level + (node.module or "")
            for alias in node.names:
                full = f"{base}.{alias.name}"
                yield node.lineno, full if _is_module(full) else base


def _is_module(full: str) -> bool:
    path = ROOT.parent.joinpath(*full.split("."))
    return full.startswith("provisioner.") and (path.with_suffix(".py").is_file() or path.is_dir())


# -- the rules -------------------------------------------------------------------------------------------------


def inside(module: str, tree: ast.Module) -> Iterator[str]:
    """Packages import of each other what `INSIDE` says."""
    allowed = entry(module, INSIDE)
    own = ".".join(module.split(".")[:2])
    for line, name in imports(tree):
        if name.startswith("."):
            yield f"{line}: relative import of {name}"
        elif allowed is not None and name.startswith("provisioner.") and not is_in(name, allowed | {own}):
            yield f"{line}: imports {name}"


def third_party(module: str, tree: ast.Module) -> Iterator[str]:
    """Each library has its one place."""
    for line, name in imports(tree):
        library = name.partition(".")[0]
        if library in sys.stdlib_module_names or library in ("provisioner", ""):
            continue
        if library not in THIRD_PARTY or not is_in(module, THIRD_PARTY[library]):
            yield f"{line}: imports {library}"


def pure(module: str, tree: ast.Module) -> Iterator[str]:
    """What is pure imports nothing that acts, waits, tells the time or draws."""
    allowed = entry(module, PURE)
    if allowed is None:
        return
    for line, name in imports(tree):
        library = name.partition(".")[0]
        if library in sys.stdlib_module_names and library != "__future__" and not is_in(name, frozenset(allowed)):
            yield f"{line}: imports {name}"
    for node in walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in AMBIENT:
            yield f"{node.lineno}: uses .{node.attr}"
        if (isinstance(node, ast.ImportFrom) and node.module == "pathlib" and is_in(module, "provisioner.engine")
                and any(not alias.name.startswith("Pure") for alias in node.names)):
            yield f"{node.lineno}: imports a path that can touch files"


def secrets_stay_closed(module: str, tree: ast.Module) -> Iterator[str]:
    """A `Secret` is opened in few places."""
    if entry(module, REVEALS) is None and module != "provisioner.values":
        for node in walk(tree):
            if isinstance(node, ast.Attribute) and node.attr == "reveal":
                yield f"{node.lineno}: opens a Secret"


def only_loaders_trust(module: str, tree: ast.Module) -> Iterator[str]:
    """A text becomes a `Trusted` one where the user's own files, and `-e`, are read; templates and hosts make none."""
    if entry(module, TRUSTING) is None:
        for node in walk(tree):
            if isinstance(node, ast.Attribute) and ast.unparse(node) == "Trusted.of":
                yield f"{node.lineno}: trusts a text"


def no_dead_locks(module: str, tree: ast.Module) -> Iterator[str]:
    """Names that are known to hang."""
    for node in walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in BANNED_NAMES and (module, node.attr) not in ALLOWED_NAMES:
            yield f"{node.lineno}: uses {node.attr}"


def no_shell(module: str, tree: ast.Module) -> Iterator[str]:
    """Processes are started from lists of arguments."""
    for node in walk(tree):
        if (isinstance(node, ast.keyword) and node.arg == "shell" and module not in SHELLS
                and isinstance(node.value, ast.Constant) and node.value.value is True):
            yield f"{node.value.lineno}: starts a shell"
        if isinstance(node, ast.Attribute) and ast.unparse(node) in ("os.system", "os.popen"):
            yield f"{node.lineno}: starts a shell"


def nothing_swallowed(module: str, tree: ast.Module) -> Iterator[str]:
    """Catching everything to do nothing hides bugs."""
    for node in walk(tree):
        if not isinstance(node, ast.ExceptHandler):
            continue
        names = {"BaseException"} if node.type is None else set(ast.unparse(node.type).strip("()").split(", "))
        idle = all(isinstance(line, (ast.Pass, ast.Continue)) or
                   (isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant)) for line in node.body)
        if idle and names & {"Exception", "BaseException"}:
            yield f"{node.lineno}: swallows {', '.join(sorted(names))}"


def no_print(module: str, tree: ast.Module) -> Iterator[str]:
    """Only the command line writes to the terminal by itself."""
    if not is_in(module, "provisioner.cli"):
        for node in walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("print", "input"):
                yield f"{node.lineno}: calls {node.func.id}"


def no_module_state(module: str, tree: ast.Module) -> Iterator[str]:
    """What stands at the top of a module never changes: containers are constants, and no function changes them."""
    containers = set()
    for statement in tree.body:
        if isinstance(statement, ast.Assign):
            targets, value = statement.targets, statement.value
        elif isinstance(statement, ast.AnnAssign) and statement.value is not None:
            targets, value = [statement.target], statement.value
        else:
            continue
        for target in targets:
            if isinstance(target, ast.Name) and isinstance(value, (ast.Dict, ast.List, ast.Set, ast.DictComp,
                                                                   ast.ListComp, ast.SetComp, ast.Call)):
                containers.add(target.id)
                is_literal = not isinstance(value, ast.Call)
                if is_literal and target.id != target.id.upper() and not target.id.startswith("__"):
                    yield f"{statement.lineno}: {target.id} is no constant"
    for node in walk(tree):
        if isinstance(node, ast.Global):
            yield f"{node.lineno}: `global`"
    for function in walk(tree) if containers else ():
        if isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield from _changes(function, containers - _locals(function))


def _locals(function: ast.FunctionDef | ast.AsyncFunctionDef) -> set[str]:
    names = {argument.arg for node in ast.walk(function) if isinstance(node, ast.arguments)
             for argument in (*node.posonlyargs, *node.args, *node.kwonlyargs)}
    return names | {node.id for node in ast.walk(function)
                    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}


def _changes(function: ast.FunctionDef | ast.AsyncFunctionDef, names: set[str]) -> Iterator[str]:
    for node in ast.walk(function):
        if isinstance(node, ast.Subscript) and isinstance(node.ctx, (ast.Store, ast.Del)):
            changed = node.value
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in CHANGERS:
            changed = node.func.value
        else:
            continue
        if isinstance(changed, ast.Name) and changed.id in names:
            yield f"{node.lineno}: changes {changed.id}"


RULES: tuple[Rule, ...] = (inside, third_party, pure, secrets_stay_closed, only_loaders_trust, no_dead_locks,
                           no_shell, nothing_swallowed, no_print, no_module_state)


# -- the tests -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def trees() -> Mapping[str, ast.Module]:
    return {name_of(path): ast.parse(path.read_text(encoding="utf-8"), str(path)) for path in FILES}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_every_file_keeps(rule: Rule, trees: Mapping[str, ast.Module]) -> None:
    broken = [f"{module}:{found}" for module, tree in trees.items() for found in rule(module, tree)]
    assert not broken, f"{rule.__doc__}\n" + "\n".join(broken)


def test_no_file_is_too_long() -> None:
    lengths = {name_of(path): path.read_bytes().count(b"\n") for path in FILES}
    assert {name: lines for name, lines in lengths.items() if lines >= LONGEST} == {}


def test_every_package_has_its_boundaries() -> None:
    free = {"provisioner", "provisioner.__main__", "provisioner.app", "provisioner.cli", "provisioner.testing"}
    packages = {".".join(name_of(path).split(".")[:2]) for path in FILES}
    assert packages - free == set(INSIDE)


def test_an_exception_that_nobody_needs_is_taken_away() -> None:
    """A file named in a list of exceptions still is one."""
    for module in (*REVEALS, *TRUSTING, *SHELLS, *(module for module, _ in ALLOWED_NAMES)):
        path = ROOT.parent.joinpath(*module.split("."))
        files = list(path.rglob("*.py")) if path.is_dir() else [path.with_suffix(".py")]
        text = "".join(file.read_text(encoding="utf-8") for file in files)
        assert any(mark in text for mark in (".reveal(", "Trusted.of(", "shell=True", ".exec_command(")), module


@pytest.mark.parametrize(("rule", "module", "source"), [
    (inside, "provisioner.engine.x", "def f():\n    from provisioner.ui.console import Console"),
    (inside, "provisioner.engine.x", "from provisioner.actions import copy"),
    (inside, "provisioner.engine.x", "import provisioner.transport.ssh"),
    (inside, "provisioner.ui.x", "from provisioner.engine.entry import Entry"),
    (inside, "provisioner.transport.x", "from provisioner.lang import model"),
    (inside, "provisioner.remote.modules.x", "from provisioner.values import Secret"),
    (inside, "provisioner.lang.x", "from .yaml import parse"),
    (third_party, "provisioner.engine.x", "import fabric"),
    (third_party, "provisioner.remote.modules.x", "def f():\n    import yaml"),
    (third_party, "provisioner.lang.model", "from yaml import nodes"),
    (third_party, "provisioner.app", "import requests"),
    (pure, "provisioner.engine.x", "import time"),
    (pure, "provisioner.engine.x", "from pathlib import Path"),
    (pure, "provisioner.template.filters.text", "from datetime import datetime"),
    (pure, "provisioner.template.filters.dates", "from datetime import datetime\nx = datetime.now()"),
    (pure, "provisioner.template.filters.encoding", "import urllib.request"),
    (pure, "provisioner.lang.x", "def f():\n    import subprocess"),
    (secrets_stay_closed, "provisioner.engine.x", "def f(secret):\n    return secret.reveal()"),
    (only_loaders_trust, "provisioner.engine.x", "def f(result):\n    return Trusted.of(result['msg'])"),
    (no_dead_locks, "provisioner.transport.x", "client.exec_command('id')"),
    (no_shell, "provisioner.lab.x", "subprocess.run('id', shell=True)"),
    (no_shell, "provisioner.lab.x", "os.system('id')"),
    (nothing_swallowed, "provisioner.lab.x", "try:\n    f()\nexcept (OSError, Exception):\n    pass"),
    (nothing_swallowed, "provisioner.lab.x", "for x in y:\n    try:\n        f()\n    except:\n        continue"),
    (no_print, "provisioner.ui.x", "print('x')"),
    (no_module_state, "provisioner.lang.x", "cache = {}"),
    (no_module_state, "provisioner.lang.x", "CACHE = {}\ndef f(x):\n    CACHE[x] = 1"),
    (no_module_state, "provisioner.lang.x", "SEEN = set()\ndef f(x):\n    SEEN.add(x)"),
    (no_module_state, "provisioner.lang.x", "def f():\n    global n\n    n = 1"),
])
def test_each_rule_finds_what_it_is_for(rule: Rule, module: str, source: str) -> None:
    assert list(rule(module, ast.parse(source)))


@pytest.mark.parametrize(("rule", "module", "source"), [
    (inside, "provisioner.engine.x", "from provisioner.actions.base import Done"),
    (pure, "provisioner.lang.x", "import os"),
    (nothing_swallowed, "provisioner.lab.x", "try:\n    f()\nexcept OSError:\n    pass"),
    (no_module_state, "provisioner.lang.x", "NAMES = {}\ndef f():\n    NAMES = {}\n    NAMES['x'] = 1"),
])
def test_no_rule_finds_more(rule: Rule, module: str, source: str) -> None:
    assert not list(rule(module, ast.parse(source)))
