"""The metadata service of a cloud for one machine: `python metadata.py FOLDER ec2|digitalocean ADDRESS PORT`.

FOLDER has `meta.json` and `user-data`, read anew for each request. What it answers follows the documentation of EC2's
instance metadata (version 2 with tokens) and of DigitalOcean's.
"""

from __future__ import annotations

import json
import secrets
import sys
import time
from collections.abc import Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

ADDRESS = "169.254.169.254"
_TOKEN_SECONDS = 21_600


class _Service(BaseHTTPRequestHandler):
    folder = Path()

    def log_message(self, format: str, *args: object) -> None:
        """One line for each request, for whoever looks for the reason of a failure."""
        sys.stdout.write(f"{time.strftime('%H:%M:%S')} {format % args}\n")
        sys.stdout.flush()

    @property
    def meta(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.folder / "meta.json").read_text())
        return found

    @property
    def user_data(self) -> bytes:
        return (self.folder / "user-data").read_bytes()

    def answer(self, body: bytes | str | None, headers: Mapping[str, str] | None = None,
               status: int = HTTPStatus.OK) -> None:
        data = body.encode() if isinstance(body, str) else body or b""
        self.send_response(HTTPStatus.NOT_FOUND if body is None else status)
        self.send_header("Content-Length", str(len(data)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)


class Ec2(_Service):
    """meta: id, address, type, image, zone, http_tokens (`required` or `optional`), http_endpoint."""

    tokens: dict[str, float] = {}  # noqa: RUF012 - of the one process

    def do_PUT(self) -> None:
        seconds = int(self.headers.get("X-aws-ec2-metadata-token-ttl-seconds", "0"))
        if self.path != "/latest/api/token" or not 1 <= seconds <= _TOKEN_SECONDS:
            self.answer("", status=HTTPStatus.BAD_REQUEST)
            return
        token = secrets.token_urlsafe(32)
        self.tokens[token] = time.time() + seconds
        self.answer(token, {"X-aws-ec2-metadata-token-ttl-seconds": str(seconds)})

    def do_GET(self) -> None:
        meta = self.meta
        if meta["http_endpoint"] == "disabled":
            self.answer("", status=HTTPStatus.FORBIDDEN)
            return
        token = self.headers.get("X-aws-ec2-metadata-token")
        if (token is None and meta["http_tokens"] == "required") or (
            token is not None and self.tokens.get(token, 0) < time.time()
        ):
            self.answer("", status=HTTPStatus.UNAUTHORIZED)
            return
        path = self.path.strip("/").split("/")
        version, rest = path[0], [part for part in path[1:] if part]
        if not version:
            self.answer("2009-04-04\n2021-03-23\nlatest")
        elif not rest:
            self.answer("dynamic\nmeta-data\nuser-data")
        elif rest == ["user-data"]:
            self.answer(self.user_data or None)
        elif rest[0] == "meta-data":
            self.answer(_below(_ec2_tree(meta), "/".join(rest[1:])))
        elif rest[:1] == ["dynamic"]:
            document = {"instanceId": meta["id"], "region": meta["zone"][:-1], "accountId": "123456789012"}
            tree = {"instance-identity/document": json.dumps(document)}
            self.answer(_below(tree, "/".join(rest[1:])))
        else:
            self.answer(None)


def _ec2_tree(meta: Mapping[str, Any]) -> dict[str, str]:
    mac = "02:00:00:00:00:01"
    network = f"network/interfaces/macs/{mac}"
    return {
        "ami-id": meta["image"], "ami-launch-index": "0", "ami-manifest-path": "(unknown)", "hostname": meta["id"],
        "instance-id": meta["id"], "instance-type": meta["type"], "instance-action": "none",
        "local-hostname": meta["id"], "local-ipv4": meta["address"], "public-ipv4": meta["address"],
        "public-hostname": meta["id"], "reservation-id": "r-0", "security-groups": "default", "mac": mac,
        "placement/availability-zone": meta["zone"], "placement/region": meta["zone"][:-1],
        "services/domain": "amazonaws.com", "services/partition": "aws", f"{network}/device-number": "0",
        f"{network}/local-ipv4s": meta["address"], f"{network}/mac": mac,
    }


def _below(tree: Mapping[str, str], path: str) -> str | None:
    """A value, or the names of what is below."""
    if path in tree:
        return tree[path]
    prefix = f"{path}/" if path else ""
    names = set()
    for each in tree:
        if each.startswith(prefix):
            head, slash, _ = each[len(prefix):].partition("/")
            names.add(head + slash)
    return "\n".join(sorted(names)) or None


class DigitalOcean(_Service):
    """meta: what `/metadata/v1.json` gives, without the user data."""

    def do_GET(self) -> None:
        data = self.user_data.decode()
        path = self.path.rstrip("/")
        if path == "/metadata/v1.json":
            self.answer(json.dumps({**self.meta, "user_data": data}))
        elif path == "/metadata/v1/user-data":
            self.answer(data)
        elif path == "/metadata/v1/id":
            self.answer(str(self.meta["droplet_id"]))
        else:
            self.answer(None)


def main() -> None:
    folder, kind, address, port = sys.argv[1:]
    service = {"ec2": Ec2, "digitalocean": DigitalOcean}[kind]
    service.folder = Path(folder)
    ThreadingHTTPServer((address, int(port)), service).serve_forever()


if __name__ == "__main__":
    main()
