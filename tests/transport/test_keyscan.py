from __future__ import annotations

import socket
from typing import Any

import pytest

from provisioner.diag import HostUnreachable
from provisioner.transport.keyscan import shown_key


def test_a_server_shows_its_key_without_a_login(remote: Any) -> None:
    known = {" ".join(line.split()[:2]) for line in remote.sh("cat /etc/ssh/ssh_host_*_key.pub").splitlines()}
    assert shown_key(remote.host.address).line in known


def test_what_does_not_speak_ssh_shows_none() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, pytest.raises(HostUnreachable, match="does not show"):
        shown_key("127.0.0.1", server.getsockname()[1], timeout=0.5)
