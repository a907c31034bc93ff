"""Packs what a session sends to a host first: the bootstrap text and the core. Pure; used on the controller only."""

from __future__ import annotations

import ast
import base64
import hashlib
import json
import zlib
from typing import Iterable, Mapping, NamedTuple

PACKAGE = "provisioner.remote"
CORE = (
    "provisioner", PACKAGE, PACKAGE + ".modules", PACKAGE + ".facts", *(PACKAGE + "." + name for name in (
        "cancel", "channel", "content", "context", "files", "importer", "modebits", "plain",
        "process", "runner", "sdk", "spec", "statecycle", "wire",
    )),
)  # fmt: skip
"""The modules every session needs. They travel together; the rest is loaded when a task wants it."""

NOT_SHIPPED = (PACKAGE + ".packing", PACKAGE + ".stage0")


class Core(NamedTuple):
    """What `stage0` wants: `sha256` goes into the command line, `packed` into the `core` frame.

    modules: name to sha256 of every module that can be asked for by `want`.
    needs: name to the names that have to be there before it can be imported (all levels, itself included).
    """

    sha256: str
    packed: bytes
    modules: "Mapping[str, str]"
    needs: "Mapping[str, tuple[str, ...]]"


def bootstrap_text(stage0_source: str) -> str:
    """`stage0.py` as one line for `python3 -c`: no quotes but double ones, nothing a shell would look at twice."""
    tree = ast.parse(stage0_source)
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list) and len(body) > 1 and _is_docstring(body[0]):
            del body[0]
    packed = base64.b64encode(zlib.compress(ast.unparse(tree).encode(), 9)).decode()
    return 'import binascii,zlib;exec(zlib.decompress(binascii.a2b_base64("%s")))' % packed


def _is_docstring(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def command(python: str, text: str, sha256: str, nonce: str) -> "list[str]":
    """The argument list that starts a runner; quote it with `shlex.join` for a remote shell."""
    return [python, "-I", "-S", "-X", "utf8", "-c", text, sha256, nonce]


def marker(nonce: str) -> bytes:
    """What stands before ` have\\n` or ` need\\n` in the host's first answer."""
    return b"PROVISION-" + nonce.encode()


def pack_core(sources: "Mapping[str, str]", packages: "Iterable[str]") -> Core:
    """The core of `sources`: every module below `provisioner.remote` and `provisioner` itself, by dotted name.

    `packages`: those of them that are packages. The same sources give the same checksum everywhere.
    """
    rest = {name: source for name, source in sources.items() if name not in CORE and name not in NOT_SHIPPED}
    imports = {name: _imports(source, sources) for name, source in rest.items()}
    needs = {name: _closure(name, imports) for name in rest}
    modules = {name: hashlib.sha256(source.encode()).hexdigest() for name, source in rest.items()}
    content = {
        "code": {name: sources[name] for name in CORE},
        "packages": sorted(packages),
        "manifest": {name: [modules[name], list(needs[name])] for name in rest},
    }
    text = json.dumps(content, sort_keys=True, separators=(",", ":")).encode()
    return Core(hashlib.sha256(text).hexdigest(), zlib.compress(text, 9), modules, needs)


def _imports(source: str, known: "Mapping[str, str]") -> "tuple[str, ...]":
    """Modules of ours that `source` imports at its top level, or names in `LATER = ("provisioner.remote.…", …)`.

    What is imported inside functions without being named there costs a round trip of its own when it is reached.
    """
    found: "list[str]" = []
    for node in ast.parse(source).body:
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.append(node.module)
            found += [node.module + "." + alias.name for alias in node.names]
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id == "LATER":
            found += ast.literal_eval(node.value)
    return tuple(dict.fromkeys(name for name in found if name in known and name not in CORE))


def _closure(name: str, imports: "Mapping[str, tuple[str, ...]]") -> "tuple[str, ...]":
    """`name` and what it needs, the needed ones and the packages around them first."""
    done: "dict[str, None]" = {}

    def visit(current: str, above: "tuple[str, ...]") -> None:
        parent = current.rpartition(".")[0]
        for needed in (parent, *imports.get(current, ())):
            if needed in imports and needed not in above and needed not in done:
                visit(needed, (*above, current))
        done[current] = None

    visit(name, ())
    return tuple(done)
