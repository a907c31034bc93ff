"""The server blocks in files of nginx, read without nginx: reading is all that a look at a host may do. Pure."""

from __future__ import annotations

import re
from typing import List, NamedTuple

_TOKEN = re.compile(r"\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'|[{};]|#[^\n]*|[^\s{};]+")


class Server(NamedTuple):
    """default: it answers on port 80 for names that no other block has."""

    ports: "frozenset[int]"
    names: "frozenset[str]"
    default: bool


def servers(text: str) -> "List[Server]":
    """All blocks `server { … }`; a file that nginx would refuse gives what can be made out."""
    found: "List[Server]" = []
    blocks: "List[str]" = []
    words: "List[str]" = []
    listens: "List[List[str]]" = []
    names: "List[str]" = []
    for piece in _TOKEN.findall(text):
        if piece.startswith("#"):
            continue
        if piece == "{":
            blocks.append(words[0] if len(words) == 1 else "")
            words = []
        elif piece == "}":
            if blocks and blocks.pop() == "server":
                found.append(_server(listens, names))
                listens, names = [], []
            words = []
        elif piece == ";":
            if blocks and blocks[-1] == "server" and words[:1] == ["listen"]:
                listens.append(words[1:])
            elif blocks and blocks[-1] == "server" and words[:1] == ["server_name"]:
                names += [word.strip("'\"").lower() for word in words[1:]]
            words = []
        else:
            words.append(piece)
    return found


def _server(listens: "List[List[str]]", names: "List[str]") -> Server:
    known = [(_port(listen[0]), listen[1:]) for listen in listens if listen] or [(80, [])]
    default = any(port == 80 and {"default_server", "default"} & set(options) for port, options in known)
    return Server(frozenset(port for port, _ in known), frozenset(names), default)


def _port(address: str) -> int:
    """`80`, `[::]:80`, `10.0.0.1:80`, `10.0.0.1`; a socket of the file system has port 0."""
    if address.startswith("unix:"):
        return 0
    number = address.rpartition(":")[2] if not address.endswith("]") else ""
    return int(number) if number.isdigit() else 80
