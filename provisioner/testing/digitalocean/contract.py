"""Whether what was said to the fake, and what it answered, is what DigitalOcean's OpenAPI description allows."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote

from openapi_schema_validator import OAS30ReadValidator, OAS30WriteValidator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT4

from provisioner.testing.digitalocean.server import Exchange

_ROOT = "urn:digitalocean"


class Description:
    """An OpenAPI 3.0 description from a JSON file."""

    def __init__(self, path: Path) -> None:
        self.content: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))

    @cached_property
    def _registry(self) -> Registry[Any]:
        registry: Registry[Any] = Registry()
        described: Registry[Any] = registry.with_resource(_ROOT, Resource.from_contents(self.content, DRAFT4))
        return described

    @cached_property
    def _paths(self) -> list[tuple[re.Pattern[str], str]]:
        """Those without parameters first."""
        ordered = sorted(self.content["paths"], key=lambda path: path.count("{"))
        return [(re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(path))), path) for path in ordered]

    def violations(self, exchanges: Iterable[Exchange]) -> list[str]:
        """What is wrong, each once."""
        return sorted({found for each in exchanges for found in self._of(each)})

    def operation(self, method: str, path: str) -> Mapping[str, Any] | None:
        for pattern, name in self._paths:
            if pattern.fullmatch(path) and method.lower() in self.content["paths"][name]:
                operation: Mapping[str, Any] = self.content["paths"][name][method.lower()]
                return operation
        return None

    def _of(self, exchange: Exchange) -> Iterator[str]:
        for pattern, name in self._paths:
            match = pattern.fullmatch(exchange.path)
            operation = self.content["paths"][name].get(exchange.method.lower()) if match else None
            if match and operation is not None:
                call = f"{exchange.method} {name}"
                yield from (f"{call}: {words}" for words in self._of_parameters(operation, match, exchange))
                yield from (f"{call}: body: {words}" for words in self._of_body(operation, exchange))
                if not exchange.injected:
                    yield from (f"{call}: {exchange.status}: {words}" for words in self._of_answer(operation, exchange))
                return
        yield f"{exchange.method} {exchange.path}: not in the description"

    def _of_parameters(self, operation: Mapping[str, Any], match: re.Match[str], exchange: Exchange) -> Iterator[str]:
        declared = {each["name"]: each for each in map(self._resolved, operation.get("parameters", ()))}
        given: dict[str, str] = {name: unquote(value) for name, value in match.groupdict().items()}
        for name, values in parse_qs(exchange.query).items():
            if declared.get(name, {}).get("in") != "query":
                yield f"there is no parameter {name}"
            given[name] = values[0]
        for name, each in declared.items():
            if name in given:
                meant = [list(self._wrong(each["schema"], value, OAS30ReadValidator)) for value in _meant(given[name])]
                if all(meant):
                    yield f"{name}: {meant[0][0]}"

    def _of_body(self, operation: Mapping[str, Any], exchange: Exchange) -> Iterator[str]:
        declared = self._resolved(operation.get("requestBody", {}))
        if not exchange.body:
            if declared.get("required"):
                yield "missing"
        elif not declared:
            yield "there is one"
        else:
            schema = declared["content"]["application/json"]["schema"]
            yield from self._wrong(schema, json.loads(exchange.body), OAS30WriteValidator)

    def _of_answer(self, operation: Mapping[str, Any], exchange: Exchange) -> Iterator[str]:
        responses = operation["responses"]
        declared = responses.get(str(exchange.status)) or (responses.get("default") if exchange.status >= 400 else None)
        if declared is None:
            yield "no such answer"
            return
        schema = self._resolved(declared).get("content", {}).get("application/json", {}).get("schema")
        if schema is not None:
            yield from self._wrong(schema, json.loads(exchange.content), OAS30ReadValidator)
        elif exchange.content:
            yield "has a body"

    def _resolved(self, thing: Mapping[str, Any]) -> Mapping[str, Any]:
        while "$ref" in thing:
            found: Any = self.content
            for part in thing["$ref"].removeprefix("#/").split("/"):
                found = found[part.replace("~1", "/").replace("~0", "~")]
            thing = found
        return thing

    def _wrong(self, schema: Mapping[str, Any], value: Any, validator: Any) -> Iterator[str]:
        """References are resolved from the whole description."""
        whole = json.loads(json.dumps(schema).replace('"#/', f'"{_ROOT}#/'))
        checker = validator(whole, registry=self._registry, format_checker=validator.FORMAT_CHECKER)
        for error in checker.iter_errors(value):
            place = "/".join(map(str, error.absolute_path))
            yield f"{place}: {error.message[:200]}" if place else error.message[:200]


def _meant(text: str) -> list[Any]:
    """All that the text of a parameter may be."""
    number = [int(text)] if re.fullmatch(r"-?\d+", text) else []
    return [text, *number, *([text == "true"] if text in ("true", "false") else [])]
