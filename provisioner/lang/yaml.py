"""YAML text to positioned nodes or plain data, safe against hostile files. The only importer of PyYAML.

The C parser's events are composed here, by a loop instead of recursion: PyYAML's own composer dies of a
stack overflow on deep nesting, and expands aliases and merge keys without a bound. Scalars are read as
YAML 1.1 the way Ansible reads them (`yes` is true, `0644` is octal); dates stay text.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Final

import yaml
from yaml import events as ev
from yaml.constructor import SafeConstructor
from yaml.nodes import ScalarNode

from provisioner.diag import Collector, Diagnostic, InputError, Span
from provisioner.lang.nodes import STAND_IN, Map, Node, Scalar, Seq, concealed, has_template, to_value
from provisioner.lang.source import LOCKED, VAULT_MARK, Source, read_source
from provisioner.lang.yamlerrors import explain
from provisioner.values import Template, Trusted, Value, Vault, Vaulted

MAX_DEPTH = 64
MAX_ALIASES = 1_000
#: Nodes that come into being by following aliases and merge keys; a real file has some hundreds.
MAX_ALIASED_NODES = 100_000
#: 100,000 lines of playbook are about 500,000 nodes.
MAX_NODES = 2_000_000

_PARSER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_RESOLVERS = yaml.SafeLoader.yaml_implicit_resolvers
_TAG = "tag:yaml.org,2002:"
_VAULT_TAGS: Final = frozenset({"!vault", "!vault-encrypted"})
DUPLICATE_KEY: Final = "Duplicate key"


def parse(text: str, file: str, found: Collector, vault: Vault = LOCKED) -> Node | None:
    """The one document of `text`; None when it is empty or has only comments.

    Mistakes that leave the structure intact go to `found`; the others raise `InputError`.
    vault: opens values tagged `!vault`, when they are used.
    """
    return _Composer(file, text, found, vault).run()


def parse_source(source: Source, found: Collector, vault: Vault = LOCKED) -> Node | None:
    """The document of a file. What an encrypted one holds is secret, and not repeated in its mistakes."""
    if source.vault is None:
        return parse(source.text, source.path, found, vault)
    mine = Collector()
    try:
        return _Composer(source.path, source.text, mine, vault, source.vault).run()
    except InputError as error:
        raise InputError(map(_discreet, error.items)) from None
    finally:
        found.items += map(_discreet, mine.items)


def load_data(text: str, file: str, found: Collector | None = None) -> Value:
    """`text` as data, its strings with braces as `Template`; raises `InputError`. Warnings go to `found`."""
    return load_source(Source(file, text), found)


def load_source(source: Source, found: Collector | None = None, vault: Vault = LOCKED) -> Value:
    """The same for a file."""
    mine = Collector()
    node = parse_source(source, mine, vault)
    if found is not None:
        found.items.extend(mine.warnings)
    mine.raise_errors()
    return None if node is None else to_value(node)


def load_file(path: str, found: Collector | None = None, vault: Vault = LOCKED, *,
              wanted_by: Span | None = None) -> Value:
    """The same for the file at `path`."""
    return load_source(read_source(path, vault, wanted_by=wanted_by), found, vault)


def to_template(value: Value, span: Span | None = None, vault: Vault | None = None) -> Value:
    """Data (`-e`, INI files) with its strings made `Template` or `Trusted`. vault: it was encrypted."""
    if isinstance(value, str):
        if has_template(value):
            return Template(value, span, vault is not None)
        if vault is None:
            return Trusted.of(value)
    if isinstance(value, dict):
        return {key: to_template(item, span, vault) for key, item in value.items()}
    if isinstance(value, list):
        return [to_template(item, span, vault) for item in value]
    return value if vault is None else concealed(value, vault)


def _discreet(item: Diagnostic) -> Diagnostic:
    if item.severity == "warning":  # names keys only
        return item
    hint = "`provision vault edit` opens it"
    return replace(item, detail="the file is encrypted, so its text is not shown", hint=hint)


@dataclass(slots=True)
class _Frame:
    """A mapping or list whose end has not been seen yet."""

    node: Map | Seq
    anchor: str | None
    started: int
    flow: bool
    unsafe: bool
    key: Scalar | None = None
    broken: bool = False
    seen: dict[Hashable, Scalar] = field(default_factory=dict)
    merges: list[tuple[Scalar, Node]] = field(default_factory=list)


@dataclass(slots=True)
class _Composer:
    file: str
    text: str
    found: Collector
    vault: Vault = LOCKED
    disclosing: Vault | None = None
    """Of a file that is encrypted as a whole."""
    stack: list[_Frame] = field(default_factory=list)
    anchors: dict[str, tuple[Node, int] | None] = field(default_factory=dict)
    """Finished node and its expanded size; None while the node is still open."""
    written: int = 0
    aliases: int = 0
    aliased: int = 0
    root: Node | None = None
    flows: set[int] = field(default_factory=set)
    plain: dict[str, Value] = field(default_factory=dict)
    """Plain scalars already resolved: `true`, `present`, `root` come again and again."""

    def run(self) -> Node | None:
        documents = 0
        try:
            for event in self._events():
                kind = type(event)
                if kind is ev.ScalarEvent:
                    self._attach(self._scalar(event))
                elif kind is ev.MappingStartEvent or kind is ev.SequenceStartEvent:
                    self._open(event)
                elif kind is ev.MappingEndEvent or kind is ev.SequenceEndEvent:
                    self._close()
                elif kind is ev.AliasEvent:
                    self._attach(self._alias(event))
                elif kind is ev.DocumentStartEvent:
                    documents += 1
                    if documents > 1:
                        hint = "remove the `---` line or split the file"
                        raise self._error("More than one document", "a file holds one YAML document", event, hint)
        except yaml.YAMLError as error:
            last = explain(error, self.text, self.file)
            # The parser knows better than what was guessed at the same place before it gave up.
            self.found.items[:] = [item for item in self.found.items if item.span != last.span]
            raise InputError([*self.found.errors, last]) from None
        return self.root

    def _events(self) -> Iterator[Any]:
        try:
            self.text.encode()
        except UnicodeEncodeError:
            raise InputError([Diagnostic("Not UTF-8 text", "a lone surrogate", Span(self.file, 1))]) from None
        return iter(yaml.parse(self.text, Loader=_PARSER))

    def _error(self, summary: str, detail: str, event: Any, hint: str = "") -> InputError:
        return InputError([*self.found.errors, Diagnostic(summary, detail, self._span(event), hint)])

    def _span(self, event: Any) -> Span:
        mark = event.start_mark
        return Span(self.file, mark.line + 1, mark.column + 1)

    def _open(self, event: Any) -> None:
        if len(self.stack) >= MAX_DEPTH:
            raise self._error("Nested too deeply", f"more than {MAX_DEPTH} levels of lists and mappings", event)
        self._count(event)
        is_map = type(event) is ev.MappingStartEvent
        mark = event.start_mark
        node: Map | Seq = (Map if is_map else Seq)(self.file, mark.line + 1, mark.column + 1)
        unsafe = bool(self.stack and self.stack[-1].unsafe)
        if event.tag == "!unsafe":
            unsafe = True
        elif event.tag is not None and event.tag != _TAG + ("map" if is_map else "seq"):
            self._refuse_tag(event)
        self.stack.append(_Frame(node, event.anchor, self.written + self.aliased, event.flow_style, unsafe))
        if event.anchor is not None:
            self.anchors[event.anchor] = None

    def _close(self) -> None:
        frame = self.stack.pop()
        node: Node = frame.node
        if isinstance(node, Map):
            if frame.merges:
                self._merge(frame, node)
            if frame.flow:
                self.flows.add(id(node))
            if frame.broken:  # `{{ x }}` without quotes: told already, so stand in with what was meant
                node = Scalar(self.file, node.line, node.column, STAND_IN, STAND_IN)
        if frame.anchor is not None:
            self.anchors[frame.anchor] = (node, self.written + self.aliased - frame.started)
        self._attach(node)

    def _attach(self, node: Node) -> None:
        if not self.stack:
            self.root = node
            return
        frame = self.stack[-1]
        owner = frame.node
        if isinstance(owner, Seq):
            owner.items.append(node)
        elif frame.key is None:
            frame.key = self._key(frame, node)
        else:
            self._entry(frame, owner, frame.key, node)
            frame.key = None

    def _key(self, frame: _Frame, node: Node) -> Scalar:
        if isinstance(node, Scalar):
            return node
        if frame.flow and isinstance(node, Map) and id(node) in self.flows:
            frame.broken = True
            span = frame.node.span
            self.found.error("Template without quotes", "YAML reads `{{` as the start of a mapping", span,
                             hint=f'quote it: "{self._template_at(span)}"')
        else:
            self.found.error("Key is not a text", "a key of a mapping must be a single value", node.span)
        return Scalar(node.file, node.line, node.column, None, "")

    def _template_at(self, span: Span) -> str:
        """The template that starts at `span`, as it is written."""
        rest = self.text.splitlines()[span.line - 1][span.column - 1 :]
        end = rest.find("}}")
        return rest[: end + 2] if end > 0 and '"' not in rest[:end] else "{{ … }}"

    def _entry(self, frame: _Frame, owner: Map, key: Scalar, value: Node) -> None:
        if key.plain and key.text == "<<":
            frame.merges.append((key, value))
            return
        identity = (type(key.value), key.value)
        first = frame.seen.get(identity)
        if first is None:
            frame.seen[identity] = key
        elif not frame.broken:
            self.found.warning(
                DUPLICATE_KEY, f"Found duplicate mapping key '{key.text}'; the last one is used", key.span,
                related=(("first defined here", first.span),),
            )
            owner.entries[:] = [entry for entry in owner.entries if (type(entry[0].value), entry[0].value) != identity]
        owner.entries.append((key, value))

    def _merge(self, frame: _Frame, owner: Map) -> None:
        own = owner.entries
        merged: list[tuple[Scalar, Node]] = []
        for key, source in frame.merges:
            for part in source.items if isinstance(source, Seq) else [source]:
                if not isinstance(part, Map):
                    self.found.error("Wrong merge key", "`<<` takes a mapping or a list of mappings", key.span)
                    continue
                self._charge(len(part.entries), key.span)
                for name, value in part.entries:
                    identity = (type(name.value), name.value)
                    if identity not in frame.seen:
                        frame.seen[identity] = name
                        merged.append((name, value))
        owner.entries = merged + own

    def _alias(self, event: Any) -> Node:
        self.aliases += 1
        if self.aliases > MAX_ALIASES:
            raise self._error("Too many aliases", f"more than {MAX_ALIASES} aliases in one file", event)
        if event.anchor not in self.anchors:
            raise self._error("Unknown alias", f"there is no anchor `&{event.anchor}` before this", event)
        target = self.anchors[event.anchor]
        if target is None:
            raise self._error("Alias inside its own anchor", f"`*{event.anchor}` would contain itself for ever", event)
        self._charge(target[1], self._span(event))
        return target[0]

    def _charge(self, nodes: int, span: Span) -> None:
        self.aliased += nodes
        if self.aliased > MAX_ALIASED_NODES:
            detail = f"aliases and merge keys blow the file up to more than {MAX_ALIASED_NODES} values"
            raise InputError([*self.found.errors, Diagnostic("Too many values", detail, span)])

    def _count(self, event: Any) -> None:
        self.written += 1
        if self.written > MAX_NODES:
            raise self._error("Too many values", f"more than {MAX_NODES} values in one file", event)

    def _scalar(self, event: Any) -> Scalar:
        self._count(event)
        text: str = event.value
        plain = event.implicit[0] and not event.style  # '' from the C parser, None from the other
        unsafe = bool(self.stack and self.stack[-1].unsafe)
        value: Value = text
        if plain and event.tag is None:
            if text in self.plain:
                value = self.plain[text]
            else:
                value = self.plain[text] = _resolve(text)
        elif event.tag == "!unsafe":
            unsafe = True
        elif event.tag in _VAULT_TAGS:
            value = self._vaulted(event, text)
        elif event.tag not in (None, "!"):
            value = self._tagged(event, text)
        mark = event.start_mark
        node = Scalar(self.file, mark.line + 1, mark.column + 1, value, text, unsafe, plain, self.disclosing)
        if event.anchor is not None:
            self.anchors[event.anchor] = (node, 1)
        return node

    def _tagged(self, event: Any, text: str) -> Value:
        kind = event.tag.removeprefix(_TAG)
        if kind not in _CONSTRUCTORS:
            self._refuse_tag(event)
            return text
        try:
            return _CONSTRUCTORS[kind](text)
        except (ValueError, KeyError, IndexError):
            self.found.error("Wrong value", f"`{text}` is not a !!{kind}", self._span(event))
            return text

    def _vaulted(self, event: Any, text: str) -> Value:
        span = self._span(event)
        if not text.lstrip().startswith(VAULT_MARK):
            self.found.error("Wrong value", f"what is tagged `{event.tag}` has to begin with `{VAULT_MARK}`", span,
                             hint="`provision vault encrypt-string` writes such values")
            return text
        return Vaulted(partial(self.vault.open, text.strip(), span), text)

    def _refuse_tag(self, event: Any) -> None:
        tag = str(event.tag)
        if tag in _VAULT_TAGS:
            detail, hint = f"`{tag}` is for text; a mapping or list cannot be encrypted so", "encrypt each value"
        elif tag.startswith(_TAG + "python/"):
            detail = f"`!!{tag.removeprefix(_TAG)}` would run Python code while the file is read"
            hint = "write plain data"
        else:
            shown = f"!!{tag.removeprefix(_TAG)}" if tag.startswith(_TAG) else tag
            detail = f"`{shown}` has no meaning here"
            hint = "known are !vault, !unsafe and the plain types (!!str, !!int …)"
        self.found.error("Unknown tag", detail, self._span(event), hint=hint)


def _constructed(tag: str, text: str) -> Value:
    node = ScalarNode(_TAG + tag, text)
    constructor = SafeConstructor()
    return getattr(constructor, f"construct_yaml_{tag}")(node)


_CONSTRUCTORS: Final[dict[str, Callable[[str], Value]]] = {
    "str": str,
    "int": lambda text: _constructed("int", text),
    "float": lambda text: _constructed("float", text),
    "bool": lambda text: _constructed("bool", text),
    "null": lambda text: None,
    "timestamp": str,
}


def _resolve(text: str) -> Value:
    """A plain scalar by YAML 1.1's rules; dates and everything that is no number stay text."""
    for tag, pattern in _RESOLVERS.get(text[:1], ()):
        if pattern.match(text):
            kind = tag.removeprefix(_TAG)
            if kind == "null":
                return None
            if kind in {"int", "float", "bool"}:
                try:
                    return _constructed(kind, text)
                except ValueError:  # "0b_" looks like a number and is none; Python refuses 5,000 digits
                    return text
    return text
