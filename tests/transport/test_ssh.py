"""Connections and sessions over SSH to a real host: keys, logins, jump hosts, limits."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from provisioner.messages import Become, SegmentEnded, SegmentLost, Target
from provisioner.testing.proxy import FaultProxy
from provisioner.transport import ssh
from provisioner.transport.connection import Deadlines
from provisioner.transport.sshconfig import Resolver
from provisioner.values import HostName, Secret

SHORT = Deadlines(banner=0.8, key_exchange=0.4, authentication=1.2, channel=1.5, handshake=2.0)


def known_hosts(tmp_path: Path, remote: Any, name: str = "known_hosts", *, instead: str = "") -> str:
    """A known_hosts file with the host's real keys, or with `instead`."""
    file = tmp_path / name
    file.write_text(instead or Path(remote.host.known_hosts).read_text())
    return str(file)


def auth_attempts(remote: Any) -> int:
    """Lines of sshd's log about a login that was tried (LogLevel VERBOSE tells also of failed ones)."""
    return sum("publickey" in line or "password" in line for line in remote.log().splitlines())


# -- host keys ------------------------------------------------------------------------------------------------

def test_a_known_host_is_connected_to(remote: Any, play: Any) -> None:
    assert isinstance(play.ping(remote.target()), SegmentEnded)


def test_h19_an_unknown_host_is_refused_before_any_login_is_tried(remote: Any, play: Any, tmp_path: Path) -> None:
    remote.sshd("LogLevel VERBOSE")
    before = auth_attempts(remote)
    end = play.lost(remote.target(known_hosts=(known_hosts(tmp_path, remote, instead="# empty\n"),)))
    assert end.unreachable
    assert "is not known: it shows ED25519 SHA256:" in end.message
    assert "ssh-keyscan -t ed25519" in end.hint
    assert auth_attempts(remote) == before
    assert isinstance(play.ping(remote.target()), SegmentEnded)
    assert auth_attempts(remote) > before


def test_h19_the_line_in_the_hint_mends_it(remote: Any, play: Any, tmp_path: Path) -> None:
    file = known_hosts(tmp_path, remote, instead="# empty\n")
    target = remote.target(known_hosts=(file,), host_key_alias=None)
    hint = play.lost(target).hint
    line = next(part for part in hint.split("`") if "ssh-keyscan" in part)
    subprocess.run(line, shell=True, check=True, stderr=subprocess.DEVNULL)
    assert isinstance(play.ping(target), SegmentEnded)


def test_h19_a_changed_key_is_refused_with_both_fingerprints(remote: Any, play: Any, tmp_path: Path) -> None:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / "other")], check=True)
    other = (tmp_path / "other.pub").read_text()
    file = known_hosts(tmp_path, remote, instead=f"{remote.host.name} {other}")
    end = play.lost(remote.target(known_hosts=(file,)))
    assert "has changed" in end.message
    assert end.message.count("SHA256:") == 2
    assert f"ssh-keygen -R '{remote.host.name}' -f {file}" in end.hint


def test_h19_a_hashed_known_hosts_file_is_understood(remote: Any, play: Any, tmp_path: Path) -> None:
    file = known_hosts(tmp_path, remote)
    subprocess.run(["ssh-keygen", "-H", "-f", file], check=True, capture_output=True)
    assert remote.host.name not in Path(file).read_text()
    assert isinstance(play.ping(remote.target(known_hosts=(file,))), SegmentEnded)


def test_h19_only_the_ecdsa_key_is_known_so_that_one_is_asked_for(remote: Any, play: Any, tmp_path: Path) -> None:
    lines = [line for line in Path(remote.host.known_hosts).read_text().splitlines() if "ecdsa" in line]
    file = known_hosts(tmp_path, remote, instead="\n".join(lines) + "\n")
    assert isinstance(play.ping(remote.target(known_hosts=(file,))), SegmentEnded)


def test_h19_a_revoked_key_is_refused(remote: Any, play: Any, tmp_path: Path) -> None:
    lines = Path(remote.host.known_hosts).read_text().splitlines()
    revoked = [f"@revoked * {line.split(' ', 1)[1]}" for line in lines]
    file = known_hosts(tmp_path, remote, instead="\n".join([*lines, *revoked]) + "\n")
    assert "@revoked" in play.lost(remote.target(known_hosts=(file,))).message


def test_accept_new_learns_the_key_once(remote: Any, play: Any, tmp_path: Path) -> None:
    file = tmp_path / "new" / "known_hosts"
    target = remote.target(known_hosts=(str(file),), host_key_checking="accept-new")
    assert isinstance(play.ping(target), SegmentEnded)
    assert file.read_text().startswith(f"{remote.host.name} ssh-ed25519 ")
    assert isinstance(play.ping(replace(target, host_key_checking="strict")), SegmentEnded)


# -- logging in -----------------------------------------------------------------------------------------------

def test_a_refused_login_lists_what_was_tried(remote: Any, play: Any, tmp_path: Path) -> None:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / "key")], check=True)
    end = play.lost(remote.target(key_files=(str(tmp_path / "key"), str(tmp_path / "gone"))))
    assert f"does not let root in: tried key {tmp_path}/key" in end.message
    assert f"the key file {tmp_path}/gone is not there" in end.message


def test_a_key_with_a_passphrase_is_named_with_what_to_do(remote: Any, play: Any, tmp_path: Path) -> None:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "secret", "-f", str(tmp_path / "key")], check=True)
    assert f"ssh-add {tmp_path}/key" in play.lost(remote.target(key_files=(str(tmp_path / "key"),))).message


def test_a_password_logs_in(remote: Any, play: Any) -> None:
    remote.sshd("PasswordAuthentication yes")
    target = remote.target("deploy", key_files=("/nonexistent",), password=remote.password())
    assert isinstance(play.ping(target), SegmentEnded)
    wrong = replace(target, password=Secret("wrong"))
    assert "tried the password" in play.lost(wrong).message


def test_the_agent_s_key_logs_in_and_identities_only_is_kept(remote: Any, play: Any, tmp_path: Path) -> None:
    with agent(tmp_path, remote.host.key_file) as path:
        target = remote.target(key_files=(), ssh_args=("-F", "none", "-o", f"IdentityAgent={path}"))
        assert isinstance(play.ping(target), SegmentEnded)
        no_key = ("-o", "IdentitiesOnly=yes", "-o", "IdentityFile=/nonexistent")
        only = replace(target, ssh_args=(*target.ssh_args, *no_key))
        assert "does not let root in" in play.lost(only).message


def test_a_user_certificate_beside_the_key_logs_in(remote: Any, play: Any, tmp_path: Path) -> None:
    for name in ("ca", "key"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / name)], check=True)
    sign = ["ssh-keygen", "-q", "-s", str(tmp_path / "ca"), "-I", "me", "-n", "root", str(tmp_path / "key.pub")]
    subprocess.run(sign, check=True, capture_output=True)
    authority = (tmp_path / "ca.pub").read_text().strip()
    remote.sh(f"echo '{authority}' > /etc/ssh/user_ca.pub")
    remote.sshd("TrustedUserCAKeys /etc/ssh/user_ca.pub")
    assert isinstance(play.ping(remote.target(key_files=(str(tmp_path / "key"),))), SegmentEnded)


@contextlib.contextmanager
def agent(tmp_path: Path, key: Path) -> Iterator[str]:
    path = str(tmp_path / "agent.sock")
    process = subprocess.Popen(["ssh-agent", "-D", "-a", path], stdout=subprocess.DEVNULL)
    try:
        while not Path(path).exists():
            time.sleep(0.01)
        subprocess.run(["ssh-add", "-q", str(key)], check=True, env={**os.environ, "SSH_AUTH_SOCK": path})
        yield path
    finally:
        process.terminate()
        process.wait()


# -- reaching it ----------------------------------------------------------------------------------------------

def nowhere(address: str, port: int, **more: Any) -> Target:
    return Target(HostName("web"), address=address, port=port, user="root", ssh_args=("-F", "none"), **more)


@contextlib.contextmanager
def server(behave: Any) -> Iterator[tuple[str, int]]:
    """A TCP server whose every connection is given to `behave`, which may return sockets to close at the end."""
    listener = socket.create_server(("127.0.0.1", 0))
    held: list[socket.socket] = []

    def accept() -> None:
        while True:
            try:
                peer, _ = listener.accept()
            except OSError:
                return
            held.append(peer)
            held.extend(behave(peer) or ())

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[:2]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()
        for peer in held:
            peer.close()


def test_a_refused_connection_says_so(play: Any) -> None:
    with server(lambda peer: None) as (host, port):
        pass
    end = play.lost(nowhere(host, port))
    assert end.unreachable
    assert f"{host} refuses connections on port {port}" in end.message


def test_a_name_that_does_not_exist_says_so(play: Any) -> None:
    end = play.lost(nowhere("no-such-host.invalid", 22))
    assert "The name no-such-host.invalid cannot be resolved" in end.message or "No name server" in end.message


def test_no_answer_is_given_up_after_the_connect_timeout(remote: Any, play: Any) -> None:
    remote.host.start()
    address = ".".join([*remote.host.address.split(".")[:3], "250"])
    began = time.monotonic()
    end = play.lost(nowhere(address, 22, connect_timeout=0.5))
    assert time.monotonic() - began < 4
    assert "No answer from" in end.message or "no route" in end.message


def test_h10_a_server_that_never_greets_is_given_up(make_play: Any) -> None:
    with server(lambda peer: None) as (host, port):
        end = make_play(deadlines=SHORT).lost(nowhere(host, port))
    assert "accepts connections but does not speak SSH" in end.message


def test_h10_a_server_that_greets_and_then_hangs_is_given_up(make_play: Any) -> None:
    with server(lambda peer: peer.sendall(b"SSH-2.0-hangs\r\n")) as (host, port):
        end = make_play(deadlines=SHORT).lost(nowhere(host, port))
    assert "does not finish the key exchange" in end.message


def test_h21_a_server_that_hangs_up_before_its_greeting_is_tried_again(remote: Any, play: Any) -> None:
    refusals = [0, 0]

    def behave(peer: socket.socket) -> list[socket.socket]:
        if refusals:
            refusals.pop()
            peer.close()
            return []
        onward = socket.create_connection((remote.host.address, 22))
        for one, other in ((peer, onward), (onward, peer)):
            threading.Thread(target=pump, args=(one, other), daemon=True).start()
        return [onward]

    with server(behave) as (host, port):
        assert isinstance(play.ping(remote.target(address=host, port=port)), SegmentEnded)
    assert refusals == []


def pump(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(1 << 16):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)


def test_h10_a_login_that_never_ends_is_given_up(remote: Any, make_play: Any) -> None:
    with FaultProxy((remote.host.address, 22)) as proxy:
        play = make_play(deadlines=SHORT)
        assert isinstance(play.ping(remote.target(address=proxy.address[0], port=proxy.address[1])), SegmentEnded)
        after = proxy.bytes_up
    with FaultProxy((remote.host.address, 22), freeze_after=after // 2, counting="up") as proxy:
        end = make_play(deadlines=SHORT).lost(remote.target(address=proxy.address[0], port=proxy.address[1]))
        assert end.unreachable


# -- jump hosts -----------------------------------------------------------------------------------------------

def test_a_jump_host_is_verified_like_the_target(remote: Any, play: Any, tmp_path: Path) -> None:
    jump = f"root@{remote.host.address}"
    target = remote.target(address="127.0.0.1", ssh_args=("-F", "none", "-J", jump))
    assert isinstance(play.ping(target), SegmentEnded)
    only_target = Path(remote.host.known_hosts).read_text().replace(remote.host.address, "x")
    file = known_hosts(tmp_path, remote, instead=only_target)
    end = play.lost(replace(target, known_hosts=(file,)))
    assert f"The host key of {remote.host.address} is not known" in end.message


def test_a_jump_host_that_cannot_reach_the_target_is_named(remote: Any, play: Any) -> None:
    target = remote.target(address="127.0.0.1", port=1, ssh_args=("-F", "none", "-J", f"root@{remote.host.address}"))
    assert f"The jump host {remote.host.address} cannot connect to 127.0.0.1 port 1" in play.lost(target).message


def test_a_proxy_command_is_used(remote: Any, play: Any) -> None:
    command = f"ProxyCommand={' '.join(remote.host.ssh_command())} -W 127.0.0.1:%p"
    target = remote.target(address="behind", port=22, ssh_args=("-F", "none", "-o", command))
    assert isinstance(play.ping(target), SegmentEnded)


def test_the_gate_of_a_jump_host_is_passed_by_connections_through_it_only(remote: Any) -> None:
    entered: list[str] = []

    @contextlib.contextmanager
    def gate(hop: str) -> Iterator[None]:
        entered.append(hop)
        yield

    wiring = ssh.Wiring(Resolver(environment={}), gate=gate)
    jump = remote.target(address="127.0.0.1", ssh_args=("-F", "none", "-J", f"root@{remote.host.address}"))
    ssh.connect(jump, wiring).close()
    ssh.connect(remote.target(), wiring).close()
    assert entered == [remote.host.address]


def test_the_fabric_connection_is_verified_bounded_and_usable(remote: Any) -> None:
    connection = ssh.connect(remote.target(), ssh.Wiring(Resolver(environment={})))
    try:
        assert connection.fabric.run("echo hello", hide=True, in_stream=False).stdout == "hello\n"
        sock = connection.fabric.transport.sock
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 12000
        algorithms = connection.fabric.transport
        assert not [name for name in algorithms.preferred_ciphers if "cbc" in name]
        assert not [name for name in algorithms.preferred_macs if "sha1" in name or "md5" in name]
    finally:
        connection.close()


def test_two_connections_share_neither_keys_nor_settings(remote: Any) -> None:
    wiring = ssh.Wiring(Resolver(environment={}))
    first, second = (ssh.connect(remote.target(user), wiring) for user in ("root", "ops"))
    try:
        assert first.fabric.config is not second.fabric.config
        assert first.fabric.connect_kwargs is not second.fabric.connect_kwargs
        assert "key_filename" not in first.fabric.connect_kwargs
    finally:
        first.close()
        second.close()


# -- sessions -------------------------------------------------------------------------------------------------

def test_two_users_work_over_one_connection(remote: Any, play: Any) -> None:
    target = remote.target("ops")
    with FaultProxy((remote.host.address, 22)) as proxy:
        target = replace(target, address=proxy.address[0], port=proxy.address[1])
        for become, user in ((None, "ops"), (Become("root"), "root"), (Become("guest"), "guest"), (None, "ops")):
            play.run(target, [who()], become)
            assert play.results()[0]["user"] == user
        assert proxy.connections == 1


def who() -> Any:
    from provisioner.messages import CallId, ModuleCall  # noqa: PLC0415

    return ModuleCall(CallId(1), "try", {"do": "who"})


def test_h21_max_sessions_1_gives_a_second_user_a_second_connection(remote: Any, play: Any) -> None:
    remote.sshd("MaxSessions 1")
    target = remote.target("ops")
    for become in (None, Become("root"), None, Become("root")):
        assert isinstance(play.ping(target, become), SegmentEnded)


def test_h21_max_sessions_0_is_a_clear_error(remote: Any, play: Any) -> None:
    remote.sshd("MaxSessions 0")
    end = play.lost(remote.target())
    assert "allows no further session" in end.message
    assert "MaxSessions" in end.hint


def test_a_segment_is_one_round_trip_and_a_login_a_known_few(remote: Any, play: Any) -> None:
    with FaultProxy((remote.host.address, 22), delay=0.02) as proxy:
        target = remote.target(address=proxy.address[0], port=proxy.address[1])
        play.ping(target)  # the host's cache is warm after this
        play.pool.session(target).close()
    with FaultProxy((remote.host.address, 22), delay=0.02) as proxy:
        target = remote.target(address=proxy.address[0], port=proxy.address[1])
        play.ping(target)
        login = proxy.turns
        for _ in range(5):
            play.ping(target)
        assert proxy.turns - login == 5
        assert login <= 12


@pytest.fixture(autouse=True)
def sshd_as_it_was(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    if "remote" in request.fixturenames:
        remote = request.getfixturevalue("remote")
        if remote.sh("cat /etc/ssh/sshd_config.d/00-test.conf 2>/dev/null || true"):
            remote.sh("rm /etc/ssh/sshd_config.d/00-test.conf; systemctl reset-failed ssh; systemctl restart ssh")


def test_nothing_of_the_end_is_lost(remote: Any, play: Any) -> None:
    """A segment's end is told exactly once, whatever happened."""
    segment = play.start(remote.target(), [who()])
    play.wait(segment)
    ends = [event for event in play.seen if isinstance(event, SegmentEnded | SegmentLost)]
    assert len(ends) == 1
