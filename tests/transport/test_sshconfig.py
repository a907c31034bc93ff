from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from provisioner.diag import HostUnreachable
from provisioner.transport.sshconfig import HostSettings, Resolver, checked_arguments

HAS_SSH = shutil.which("ssh") is not None
PROGRAMS = [None, *([shutil.which("ssh")] if HAS_SSH else [])]

CONFIG = """
Include {dir}/more*.conf
Host web
    HostName 10.0.0.7
    User deploy
    Port 2222
    IdentityFile "{dir}/my key"
    IdentityFile {dir}/%h-%r
    CertificateFile {dir}/web-cert.pub
    IdentitiesOnly yes
    HostKeyAlias the-web
    UserKnownHostsFile {dir}/known "{dir}/known two"
    IdentityAgent {dir}/agent.sock
Host inner *.inner !bad.inner
    ProxyJump jump@bastion:2022,second
    HashKnownHosts yes
Host plain
    ProxyJump none
    IdentityAgent none
Host command
    ProxyCommand nc -X 5 %h %p
Host *
    User everybody
"""


@pytest.fixture(params=PROGRAMS, ids=["reader", "ssh"][: len(PROGRAMS)])
def resolver(request: pytest.FixtureRequest) -> Resolver:
    return Resolver(request.param, {"SSH_AUTH_SOCK": "/run/agent"})


@pytest.fixture
def config(tmp_path: Path) -> Path:
    file = tmp_path / "config"
    file.write_text(CONFIG.replace("{dir}", str(tmp_path)))
    (tmp_path / "more1.conf").write_text("Host included\n  Port 77\n")
    file.chmod(0o600)
    return file


def ask(resolver: Resolver, config: Path, host: str, *arguments: str, port: int | None = None) -> HostSettings:
    return resolver.settings(host, port=port, arguments=("-F", str(config), *arguments))


def test_settings_of_a_host_block_are_expanded(resolver: Resolver, config: Path) -> None:
    found = ask(resolver, config, "web")
    folder = str(config.parent)
    assert (found.hostname, found.user, found.port) == ("10.0.0.7", "deploy", 2222)
    assert found.identity_files == (f"{folder}/my key", f"{folder}/10.0.0.7-deploy")
    assert found.certificate_files == (f"{folder}/web-cert.pub",)
    assert found.identities_only
    assert found.host_key_alias == "the-web"
    assert found.identity_agent == f"{folder}/agent.sock"


def test_jump_hosts_are_split_in_order(resolver: Resolver, config: Path) -> None:
    assert ask(resolver, config, "x.inner").proxy_jump == ("jump@bastion:2022", "second")
    assert ask(resolver, config, "bad.inner").proxy_jump == ()
    assert ask(resolver, config, "inner").hash_known_hosts


def test_none_means_none(resolver: Resolver, config: Path) -> None:
    found = ask(resolver, config, "plain")
    assert found.proxy_jump == ()
    assert found.proxy_command is None
    assert found.identity_agent is None


def test_included_files_count(resolver: Resolver, config: Path) -> None:
    assert ask(resolver, config, "included").port == 77


def test_tokens_of_a_proxy_command_are_expanded(resolver: Resolver, config: Path) -> None:
    assert ask(resolver, config, "command", port=99).proxy_command == "nc -X 5 command 99"


def test_what_is_given_wins_over_the_file(resolver: Resolver, config: Path) -> None:
    found = ask(resolver, config, "web", "-o", "User=root", "-o", "ProxyJump=gate", port=22)
    assert (found.user, found.port, found.proxy_jump) == ("root", 22, ("gate",))


def test_a_host_without_settings_gets_ssh_s_defaults(resolver: Resolver, config: Path) -> None:
    found = ask(resolver, config, "other")
    assert (found.hostname, found.user, found.port) == ("other", "everybody", 22)
    assert found.identity_agent == "/run/agent"
    assert str(Path("~/.ssh/id_ed25519").expanduser()) in found.identity_files
    assert str(Path("~/.ssh/known_hosts").expanduser()) in found.user_known_hosts
    assert "/etc/ssh/ssh_known_hosts" in found.system_known_hosts


@pytest.mark.skipif(not HAS_SSH, reason="ssh is not installed")
@pytest.mark.parametrize("host", ["web", "x.inner", "bad.inner", "plain", "command", "included", "other"])
def test_the_small_reader_agrees_with_ssh(config: Path, host: str) -> None:
    environment = {"SSH_AUTH_SOCK": "/run/agent"}
    theirs = ask(Resolver(shutil.which("ssh"), environment), config, host)
    ours = ask(Resolver(None, environment), config, host)
    for name in ("hostname", "port", "user", "certificate_files", "identities_only", "identity_agent",
                 "host_key_alias", "proxy_jump", "proxy_command"):  # fmt: skip
        assert getattr(ours, name) == getattr(theirs, name), name


@pytest.mark.skipif(not HAS_SSH, reason="ssh is not installed")
def test_ssh_is_asked_once_for_a_host(config: Path, tmp_path: Path) -> None:
    counting = tmp_path / "ssh"
    counting.write_text(f'#!/bin/sh\necho x >> {tmp_path}/count\nexec {shutil.which("ssh")} "$@"\n')
    counting.chmod(0o755)
    resolver = Resolver(str(counting))
    for _ in range(3):
        ask(resolver, config, "web")
    assert (tmp_path / "count").read_text() == "x\n"


@pytest.mark.skipif(not HAS_SSH, reason="ssh is not installed")
def test_a_mistake_in_ssh_config_is_told_with_ssh_s_own_words(config: Path) -> None:
    config.write_text("Host *\n  Prot 22\n")
    with pytest.raises(HostUnreachable, match=r"(?i)line 2: Bad configuration option: prot"):
        ask(Resolver(shutil.which("ssh")), config, "web")


@pytest.mark.parametrize("arguments", [("-o",), ("-R", "1:2:3"), ("web",), ("-",), ("-oX=y", "-w")])
def test_ssh_arguments_that_are_not_about_the_connection_are_refused(arguments: tuple[str, ...]) -> None:
    with pytest.raises(HostUnreachable, match="ssh argument"):
        checked_arguments(arguments, "web")


def test_usual_ssh_arguments_are_accepted() -> None:
    usual = ("-C", "-o", "ControlMaster=auto", "-oControlPersist=60s", "-J", "a,b", "-46", "-i", "k", "-p22")
    assert checked_arguments(usual, "web") == usual
