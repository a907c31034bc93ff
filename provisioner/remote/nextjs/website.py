"""An app's site as its web server has it: the file, the server's own start page, the certificate."""

from __future__ import annotations

import hashlib
from typing import Any, Dict, List, Mapping, Optional, Protocol, Sequence

from provisioner.remote.nextjs import caddy, certbot, certificates, nginx, service
from provisioner.remote.nextjs.layout import Layout, ensure_directory
from provisioner.remote.nextjs.takeback import Takeback
from provisioner.remote.sdk import Ctx

State = Dict[str, Any]
#: Files of the app's certificate that are written as they are given, by what they are called in a `State`.
PUBLIC = ("certificate", "root")


class WebServer(Protocol):
    """The modules `nginx` and `caddy`."""

    PROGRAM: str
    UNIT: str
    GROUP: str
    """Whose members read private keys."""
    FRONT: str
    """The file that `front` reads."""

    def site(self, layout: Layout) -> str: ...
    def front(self, ctx: Ctx) -> "Optional[str]":
        """What the package brought, as a text to compare."""
        ...

    def wanted_front(self, ctx: Ctx, found: "Optional[str]", only: bool) -> "Optional[str]":
        """only: the app answers for every name, and no start page can."""
        ...

    def put_front(self, ctx: Ctx, files: Takeback, text: "Optional[str]") -> None: ...
    def test(self, ctx: Ctx) -> "Optional[str]":
        """What it has against its configuration."""
        ...

    def reload(self, ctx: Ctx) -> "Optional[str]":
        """What went wrong; without that the new configuration counts from now on."""
        ...


_SERVERS: "Mapping[str, WebServer]" = {"nginx": nginx, "caddy": caddy}


def web_server(name: str) -> WebServer:
    return _SERVERS[name]


def _left_over(layout: Layout, server_name: str) -> "List[str]":
    """Sites the app had in another web server: what they name may be gone, and then that one could not be started."""
    return [server.site(layout) for name, server in _SERVERS.items() if name != server_name]


def look(ctx: Ctx, layout: Layout, server_name: str, names: "Sequence[str]") -> State:
    """`names`: those a certificate is got for by ACME. ready: there is one for each."""
    server = web_server(server_name)
    active = service.show(ctx, server.UNIT).get("ActiveState") == "active"
    if ctx.predicted("package", server.PROGRAM) is not None:  # check mode: a package starts what it brings
        active = ctx.stat("/etc/debian_version") is not None
    key = ctx.read(layout.tls("key"))
    return {
        "text": ctx.read_text(server.site(layout)),
        "front": server.front(ctx),
        "active": active,
        **{kind: ctx.read_text(layout.tls(kind)) for kind in PUBLIC},
        "key": hashlib.sha256(key).hexdigest() if key is not None else None,
        "ready": _ready(ctx, layout, server_name, names),
        "left_over": [path for path in _left_over(layout, server_name) if ctx.stat(path) is not None],
    }


def wanted(ctx: Ctx, found: State, server_name: str, given: "Mapping[str, Any]") -> State:
    """given: text, only, certificate, key and root, the last three None where there is none."""
    key = given["key"]
    return {
        "text": given["text"],
        "front": web_server(server_name).wanted_front(ctx, found["front"], given["only"]),
        "active": True,
        **{kind: given[kind] for kind in PUBLIC},
        "key": hashlib.sha256(key.encode()).hexdigest() if key is not None else None,
        "ready": True,
        "left_over": [],
    }


def put(ctx: Ctx, layout: Layout, server_name: str, given: "Mapping[str, Any]", front: "Optional[str]") -> None:
    """Write everything, have it tested, and reload; what the server refuses is put back as it was."""
    server = web_server(server_name)
    files = Takeback(ctx)
    server.put_front(ctx, files, front)
    for kind in (*PUBLIC, "key"):
        path, text = layout.tls(kind), given[kind]
        if text is None:
            files.remove(path)
        else:
            ensure_directory(ctx, layout.tls_files, "0755")
            files.write(path, text.encode(), mode="0644" if kind in PUBLIC else "0640", group=server.GROUP)
    files.write(server.site(layout), given["text"].encode())
    for path in _left_over(layout, server_name):
        files.remove(path)
    refused = server.test(ctx)
    if refused is not None:
        files.undo()
        raise ctx.fail(
            "%s refuses the new configuration, which was taken back:\n%s" % (server.PROGRAM, refused)
        )
    problem = server.reload(ctx)
    if problem is not None:
        raise ctx.fail(problem)


def _ready(ctx: Ctx, layout: Layout, server_name: str, names: "Sequence[str]") -> bool:
    if not names:
        return True
    if server_name == "nginx":
        return certbot.has(ctx, layout, names)
    return all(found.get("fits") and found["days"] >= 0 for found in certificates.served(ctx, names))
