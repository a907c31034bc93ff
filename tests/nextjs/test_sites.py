"""Server blocks of nginx."""

from __future__ import annotations

import pytest

from provisioner.remote.nextjs.sites import Server, servers


def server(*ports: int, names: str = "", default: bool = False) -> Server:
    return Server(frozenset(ports), frozenset(names.split()), default)


@pytest.mark.parametrize(("text", "expected"), [
    ("", []),
    ("server { }", [server(80)]),
    ("server { listen 80; server_name A.com b.com; }", [server(80, names="a.com b.com")]),
    ("server{listen 127.0.0.1:8080;listen [::]:80 default_server;server_name _;}",
     [server(8080, 80, names="_", default=True)]),
    ("server { listen 443 ssl default_server; listen [::1]; server_name 'a.com'; }", [server(443, 80, names="a.com")]),
    ("server { listen unix:/run/x.sock; server_name a.com; }", [server(0, names="a.com")]),
    ("# server { server_name no.com; }\nserver {\n  server_name a.com; # b.com;\n}", [server(80, names="a.com")]),
    ("http { server { server_name a.com; location / { server_name no.com; } listen 81; } server { listen 82; } }",
     [server(81, names="a.com"), server(82)]),
    ("upstream x { server 127.0.0.1:3000; }\nserver { server_name a.com\n b.com; }", [server(80, names="a.com b.com")]),
    ('server { add_header X "a; } server_name no.com;"; server_name a.com; }', [server(80, names="a.com")]),
    ("server { server_name a.com;", []),
    ("} server { listen ; }", [server(80)]),
])  # fmt: skip
def test_the_blocks_of_a_file_are_read(text: str, expected: list[Server]) -> None:
    assert servers(text) == expected
