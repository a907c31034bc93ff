from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from provisioner.diag import BecomeFailed, HostUnreachable, NoPython, ProtocolError
from provisioner.messages import Become
from provisioner.transport import bootstrap
from provisioner.transport.bundle import Bundle
from provisioner.transport.connection import Deadlines, StreamLost
from provisioner.transport.local import LocalConnection
from provisioner.values import Secret

FAST = Deadlines(handshake=0.5, become=0.2)
NONCE = re.compile(r"\b[0-9a-f]{32}\b")
PROMPT = re.compile(r'-p (sudo-[0-9a-f]+)""([0-9a-f]+:)')


class FakeStream:
    """Plays a program: `script` is asked for (stdout, stderr) after each read and write. b"" on stdout ends it."""

    def __init__(self, script: Callable[[FakeStream], tuple[bytes | None, str]]) -> None:
        self.script = script
        self.written = b""
        self.errors = ""
        self.closed = False
        self.unsent = 0

    def read(self, limit: int, timeout: float) -> bytes | None:
        output, errors = self.script(self)
        self.errors += errors
        return output

    def write(self, data: bytes) -> None:
        self.written += data

    def stderr_tail(self) -> str:
        return self.errors

    def exit_status(self) -> int | None:
        return 0

    def close(self) -> None:
        self.closed = True


class FakeConnection:
    """Gives one stream per command, made by the next of `programs`."""

    alive = True
    user = "deploy"

    def __init__(self, *programs: Callable[[str, FakeStream], tuple[bytes | None, str]]) -> None:
        self.programs = list(programs)
        self.commands: list[tuple[str, bool]] = []
        self.streams: list[FakeStream] = []

    def open_stream(self, command: str, *, pty: bool = False) -> FakeStream:
        self.commands.append((command, pty))
        program = self.programs.pop(0)
        self.streams.append(FakeStream(lambda stream: program(command, stream)))
        return self.streams[-1]

    def probe(self, timeout: float) -> None: ...
    def close(self) -> None: ...


def first_line(command: str, answer: str = "have") -> bytes:
    return f"\nPROVISION-{NONCE.findall(command)[-1]} {answer}\n".encode()


def prompt_in(command: str) -> str:
    found = PROMPT.search(command)
    assert found is not None
    return found.group(1) + found.group(2)


def prints(output: Callable[[str], bytes]) -> Callable[[str, FakeStream], tuple[bytes | None, str]]:
    return lambda command, stream: (output(command), "")


def says(errors: str) -> Callable[[str, FakeStream], tuple[bytes | None, str]]:
    return lambda command, stream: (b"", errors)


def test_greetings_before_the_first_line_are_skipped_and_what_follows_it_is_kept(bundle: Bundle) -> None:
    connection = FakeConnection(prints(lambda command: b"Welcome!\nno newline" + first_line(command, "need") + b"\0\0"))
    started = bootstrap.start(connection, bundle, "web", deadlines=FAST)
    assert (started.have, started.rest) == (False, b"\0\0")
    assert len(connection.commands) == 1


def test_a_first_line_with_another_nonce_is_noise(bundle: Bundle) -> None:
    connection = FakeConnection(lambda command, stream: (None if stream.errors else b"PROVISION-0 have\n", "x"))
    with pytest.raises(ProtocolError, match=r"did not start in time: .*PROVISION-0 have"):
        bootstrap.start(connection, bundle, "web", deadlines=Deadlines(handshake=0.1))


def test_h14_endless_garbage_is_given_up(bundle: Bundle) -> None:
    connection = FakeConnection(prints(lambda command: b"y\n" * 30000), says(""))
    with pytest.raises(NoPython, match="printed a lot, but not the runner's first line: y"):
        bootstrap.start(connection, bundle, "web")


def test_h14_a_python_that_hangs_is_given_up(bundle: Bundle) -> None:
    connection = FakeConnection(lambda command, stream: (None, ""))
    with pytest.raises(ProtocolError, match="did not start in time"):
        bootstrap.start(connection, bundle, "web", deadlines=FAST)
    assert connection.streams[0].closed


def test_h14_no_python_lists_what_was_found_and_how_to_get_one(bundle: Bundle) -> None:
    survey = b"SURVEY /usr/bin/python 2.7\nSURVEY /usr/bin/python3.7 3.7\nSURVEY-END\n"
    connection = FakeConnection(says("PROVISION-NO-PYTHON\n"), prints(lambda command: survey))
    with pytest.raises(NoPython, match=r"there is none; found: /usr/bin/python \(2.7\), /usr/bin/py") as caught:
        bootstrap.start(connection, bundle, "web", deadlines=FAST)
    assert "Python 3.9 or newer" in caught.value.hint


def test_h14_a_newer_python_beside_one_that_is_too_old_is_used_and_remembered(bundle: Bundle) -> None:
    connection = FakeConnection(says("PROVISION-TOO-OLD 3.7\n"),
                                prints(lambda command: b"motd\nSURVEY /usr/bin/python3.11 3.11\nSURVEY-END\n"),
                                prints(first_line))
    assert bootstrap.start(connection, bundle, "web", deadlines=FAST).python == "/usr/bin/python3.11"


def test_h14_a_named_interpreter_is_the_only_one_tried(bundle: Bundle) -> None:
    connection = FakeConnection(says("/bin/sh: 1: exec: /opt/py: not found\n"))
    with pytest.raises(NoPython, match=r"/opt/py on web: it did not start: .*not found"):
        bootstrap.start(connection, bundle, "web", python="/opt/py", deadlines=FAST)


def test_nopasswd_goes_on_without_any_answer(bundle: Bundle) -> None:
    connection = FakeConnection(prints(first_line))
    bootstrap.start(connection, bundle, "web", become=Become("root", password=Secret("pw")), deadlines=FAST)
    assert connection.streams[0].written == b""


def test_the_password_follows_the_prompt_and_nothing_else_is_written_before_the_first_line(bundle: Bundle) -> None:
    def program(command: str, stream: FakeStream) -> tuple[bytes | None, str]:
        if stream.written:
            return first_line(command), ""
        return None, "" if stream.errors else prompt_in(command)

    connection = FakeConnection(program)
    bootstrap.start(connection, bundle, "web", become=Become("root", password=Secret("pw")))
    assert connection.streams[0].written == b"pw\n"


def test_a_prompt_that_comes_after_the_first_line_is_only_text(bundle: Bundle) -> None:
    connection = FakeConnection(lambda command, stream: (first_line(command), prompt_in(command)))
    bootstrap.start(connection, bundle, "web", become=Become("root", password=Secret("pw")))
    assert connection.streams[0].written == b""


def test_h15_requiretty_is_met_by_a_raw_terminal(bundle: Bundle) -> None:
    connection = FakeConnection(says("sudo: sorry, you must have a tty to run sudo\n"), prints(first_line))
    bootstrap.start(connection, bundle, "web", become=Become("root"), deadlines=FAST)
    assert [pty for _, pty in connection.commands] == [False, True]
    assert "stty raw -echo" in connection.commands[1][0]


def test_h15_sudo_is_asked_once_when_it_refuses(bundle: Bundle) -> None:
    connection = FakeConnection(says("deploy is not in the sudoers file.\n"))
    with pytest.raises(BecomeFailed, match="may not use sudo"):
        bootstrap.start(connection, bundle, "web", become=Become("root"), deadlines=FAST)
    assert len(connection.commands) == 1


def test_a_connection_lost_meanwhile_is_unreachable(bundle: Bundle) -> None:
    def program(command: str, stream: FakeStream) -> tuple[bytes | None, str]:
        raise StreamLost("reset by peer")

    with pytest.raises(HostUnreachable, match="lost while the runner was started: reset by peer"):
        bootstrap.start(FakeConnection(program), bundle, "web", deadlines=FAST)


def test_no_quote_but_single_ones_around_it_is_needed_for_the_first_text(bundle: Bundle) -> None:
    assert not set("'\\\n!$`") & set(bundle.text)


SHELLS = [shell for shell in ("bash", "dash", "zsh", "fish", "csh", "tcsh", "busybox") if shutil.which(shell)]


@pytest.mark.parametrize("shell", SHELLS)
def test_the_command_works_in_any_login_shell(bundle: Bundle, shell: str, tmp_path: Path) -> None:
    class Through(LocalConnection):
        def open_stream(self, command: str, *, pty: bool = False):  # type: ignore[no-untyped-def]
            file = tmp_path / "command"
            file.write_text(command)
            return super().open_stream(f'exec {shell} {"sh " if shell == "busybox" else ""}-c "$(cat {file})"')

    started = bootstrap.start(Through(), bundle, "here", python=sys.executable)
    started.stream.close()


@pytest.mark.parametrize("version", ["2.7", "3.8"])
def test_an_interpreter_that_is_too_old_says_so_itself(bundle: Bundle, version: str, tmp_path: Path) -> None:
    old = tmp_path / "python"
    numbers = (*map(int, version.split(".")), 0)
    old.write_text(f'#!{sys.executable}\nimport sys\nsys.version_info = {numbers}\n'
                   'exec(sys.argv[sys.argv.index("-c") + 1])\n')
    old.chmod(0o755)
    with pytest.raises(NoPython, match=f"it is {version}"):
        bootstrap.start(LocalConnection(), bundle, "here", python=str(old))
