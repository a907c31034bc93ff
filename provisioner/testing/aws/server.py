"""The WSGI application around moto: faults, tokens and rules first, then moto."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable, Iterable
from typing import Any
from xml.sax.saxutils import escape

from provisioner.testing.aws.faults import Fault, Faults
from provisioner.testing.aws.prices import get_products
from provisioner.testing.aws.requests import Request, read
from provisioner.testing.aws.rules import Refusal, refusal
from provisioner.testing.aws.tokens import Said, Tokens

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
Application = Callable[[Environ, StartResponse], Iterable[bytes]]


class Front:
    """backend: region -> moto's EC2 there."""

    def __init__(self, moto: Application, faults: Faults, tokens: Tokens, backend: Callable[[str], Any]) -> None:
        self._moto = moto
        self._faults = faults
        self._tokens = tokens
        self._backend = backend

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        request = read(environ)
        fault = self._faults.take(request.service, request.action) if request.service else None
        if fault is not None and fault.mode == "delay":
            time.sleep(fault.seconds)
        if fault is not None and fault.mode == "refuse":
            status, headers, body = _refused(request, Refusal(fault.code, fault.message, fault.status))
        else:
            status, headers, body = self._answer(request, environ)
        if fault is not None and fault.mode == "lose":
            _cut(environ, fault)
        start_response(status, headers)
        return [body]

    def _answer(self, request: Request, environ: Environ) -> Said:
        if request.service == "pricing":
            status, told = get_products(request.region, json.load(environ["wsgi.input"]))
            return status, [("Content-Type", "application/x-amz-json-1.1")], json.dumps(told).encode()
        with self._tokens.lock:
            if request.service == "ec2":
                earlier = self._tokens.earlier(request.region, request.action, request.parameters)
                if earlier == "differs":
                    return _refused(request, _DIFFERS)
                if earlier is not None:
                    return earlier
                broken = refusal(request.action, request.parameters, self._backend(request.region))
                if broken is not None:
                    return _refused(request, broken)
            said = self._passed_on(environ)
            self._tokens.keep(request.region, request.action, request.parameters, said)
            return said

    def _passed_on(self, environ: Environ) -> Said:
        told: list[Any] = []
        body = b"".join(self._moto(environ, lambda status, headers, error=None: told.extend((status, headers))))
        return told[0], told[1], body


_DIFFERS = Refusal("IdempotentParameterMismatch", "Arguments on this idempotent request are inconsistent with "
                   "arguments used in previous request(s).")


def _refused(request: Request, why: Refusal) -> Said:
    code, message = escape(why.code), escape(why.message)
    if request.service in ("ssm", "pricing"):
        body, kind = f'{{"__type": "{code}", "message": "{message}"}}', "application/x-amz-json-1.1"
    elif request.service in ("route53", "sts"):
        body, kind = (f"<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message>"
                      "</Error><RequestId>test-request</RequestId></ErrorResponse>"), "text/xml"
    else:
        body, kind = (f"<Response><Errors><Error><Code>{code}</Code><Message>{message}</Message></Error></Errors>"
                      "<RequestID>test-request</RequestID></Response>"), "text/xml"
    data = body.encode()
    return f"{why.status} X", [("Content-Type", kind), ("Content-Length", str(len(data)))], data


def _cut(environ: Environ, fault: Fault) -> None:
    """What a client sees of a network that died after its request was carried out."""
    environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
    raise ConnectionError(f"cut as {fault} asks")
