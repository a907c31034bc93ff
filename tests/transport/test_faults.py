"""What a host can do to a session, made for real: noise, sudo's moods, odd Pythons, and connections that die."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from provisioner.messages import Become, CallBegan, CallId, Content, ModuleCall, SegmentEnded, SegmentLost
from provisioner.testing.proxy import FaultProxy
from provisioner.transport.connection import Deadlines, Liveness
from provisioner.values import Secret

Change = Callable[[str, str], None]


def one(do: str, **more: Any) -> ModuleCall:
    options = {name: more.pop(name) for name in list(more) if name in ModuleCall.__dataclass_fields__}
    return ModuleCall(CallId(0), "try", {"do": do, **more}, **options)


@pytest.fixture
def change(remote: Any) -> Iterator[Change]:
    """`change(do, undo)` on the host; what was done is undone after the test."""
    undo: list[str] = []

    def apply(do: str, back: str) -> None:
        undo.append(back)
        remote.sh(do)

    yield apply
    for script in reversed(undo):
        remote.sh(script)


def until_begun(play: Any) -> None:
    while not isinstance(play.inputs.get(timeout=20), CallBegan):
        pass


# -- noise ----------------------------------------------------------------------------------------------------

def test_greetings_and_a_chatty_bashrc_do_no_harm(remote: Any, play: Any, change: Change) -> None:
    change("echo Welcome to the machine > /etc/motd; cp /root/.bashrc /root/bashrc.saved; "
           "printf 'echo out; echo -n unfinished; echo err >&2; set -x\\n' > /root/.bashrc",
           "mv /root/bashrc.saved /root/.bashrc; rm -f /etc/motd")
    assert isinstance(play.ping(remote.target()), SegmentEnded)


def test_a_chatty_bashrc_does_not_confuse_sudo(remote: Any, play: Any, change: Change) -> None:
    change("printf 'set -x\\necho \"[sudo] password for deploy: \" >&2\\n' > /home/deploy/.bashrc",
           "rm /home/deploy/.bashrc")
    become = Become("root", password=remote.password())
    assert isinstance(play.ping(remote.target("deploy"), become), SegmentEnded)


def test_stray_prints_over_ssh_do_no_harm(remote: Any, play: Any) -> None:
    assert isinstance(play.run(remote.target(), [one("print")]), SegmentEnded)


def test_four_mebibytes_of_content_are_pulled(remote: Any, play: Any) -> None:
    data = os.urandom(4 << 20)
    content = Content(hashlib.sha256(data).hexdigest(), len(data), data)
    play.run(remote.target(), [one("pull", content=content.reference(), contents=(content,))])
    assert play.results() == [{"changed": False, "sha256": content.sha256}]


def test_three_hundred_tasks_in_one_segment(remote: Any, play: Any) -> None:
    work = [ModuleCall(CallId(number), "ping", {}) for number in range(300)]
    play.ping(remote.target())
    began = time.monotonic()
    assert isinstance(play.run(remote.target(), work), SegmentEnded)
    assert len(play.results()) == 300
    assert time.monotonic() - began < 3


# -- sudo -----------------------------------------------------------------------------------------------------

def within_five_seconds(play: Any, target: Any, become: Become) -> SegmentLost:
    play.ping(target)
    began = time.monotonic()
    end = play.lost(target, become)
    assert time.monotonic() - began < 5
    assert not end.unreachable
    assert f"Cannot become {become.user} by sudo" in end.message
    return SegmentLost(end.host, end.segment, end.message, end.unreachable, end.hint)


def test_h15_sudo_with_the_right_password_works(remote: Any, play: Any) -> None:
    assert isinstance(play.run(remote.target("deploy"), [one("who")], Become("root", password=remote.password())),
                      SegmentEnded)
    assert play.results()[0]["user"] == "root"


def test_h15_a_wrong_password_is_tried_once(remote: Any, play: Any) -> None:
    before = remote.sh("journalctl -o cat --no-pager").count("authentication failure")
    assert "the password is wrong" in within_five_seconds(
        play, remote.target("deploy"), Become("root", password=Secret("wrong"))).message
    assert remote.sh("journalctl -o cat --no-pager").count("authentication failure") == before + 1


def test_h15_a_missing_password_is_said_at_once(remote: Any, play: Any) -> None:
    assert "none was given" in within_five_seconds(play, remote.target("deploy"), Become("root")).message


def test_h15_a_user_who_is_not_in_sudoers(remote: Any, play: Any, change: Change) -> None:
    change("echo 'Defaults:guest !authenticate' > /etc/sudoers.d/guest", "rm /etc/sudoers.d/guest")
    assert "may not use sudo" in within_five_seconds(play, remote.target("guest"), Become("root")).message


def test_h15_requiretty_is_satisfied(remote: Any, play: Any, change: Change) -> None:
    change("echo 'Defaults requiretty' > /etc/sudoers.d/tty", "rm /etc/sudoers.d/tty")
    data = bytes(range(256)) * 1024
    content = Content(hashlib.sha256(data).hexdigest(), len(data), data)
    for user, become in (("ops", Become("root")), ("deploy", Become("root", password=remote.password()))):
        work = [one("pull", content=content.reference(), contents=(content,)), one("print"), one("live")]
        assert isinstance(play.run(remote.target(user), work, become), SegmentEnded)
        assert play.results()[0]["sha256"] == content.sha256


def test_h15_a_lecture_every_time_is_not_mistaken_for_a_question(remote: Any, play: Any, change: Change) -> None:
    change("echo 'Defaults lecture=always' > /etc/sudoers.d/lecture", "rm /etc/sudoers.d/lecture")
    become = Become("root", password=remote.password())
    assert isinstance(play.ping(remote.target("deploy"), become), SegmentEnded)


def test_h15_sudo_inside_a_terminal_of_its_own_works(remote: Any, play: Any, change: Change) -> None:
    change("printf 'Defaults use_pty\\nDefaults requiretty\\n' > /etc/sudoers.d/pty", "rm /etc/sudoers.d/pty")
    assert isinstance(play.ping(remote.target("ops"), Become("root")), SegmentEnded)


def test_h15_an_expired_password_is_a_clear_error(remote: Any, play: Any, change: Change) -> None:
    play.ping(remote.target("deploy"))
    change("passwd -e deploy", "chage -d 2024-01-01 deploy")
    began = time.monotonic()
    end = play.lost(remote.target("deploy"), Become("root", password=remote.password()))
    assert time.monotonic() - began < 6
    assert "expired" in end.message or "new password" in end.message or "password" in end.message.lower()


def test_h15_an_expired_login_is_a_clear_error(remote: Any, play: Any, change: Change) -> None:
    change("passwd -e guest", "chage -d 2024-01-01 guest")
    end = play.lost(remote.target("guest"))
    assert end.unreachable
    assert "wants a new password first" in end.message


def test_sudo_that_is_not_installed_is_said(remote: Any, play: Any, change: Change) -> None:
    change("mv /usr/bin/sudo /usr/bin/sudo.away", "mv /usr/bin/sudo.away /usr/bin/sudo")
    assert "sudo is not installed" in play.lost(remote.target("ops"), Become("root")).message


# -- Python ---------------------------------------------------------------------------------------------------

def python_replaced(change: Change, script: str) -> None:
    text = script.replace("'", "'\\''")
    change(f"printf %s '#!/bin/sh\n{text}\n' > /usr/local/bin/python3; chmod 755 /usr/local/bin/python3",
           "rm -f /usr/local/bin/python3")


def test_h14_no_python_is_said_with_how_to_install_it(remote: Any, play: Any, change: Change) -> None:
    change("chmod a-x /usr/bin/python3*", "chmod a+x /usr/bin/python3*")
    end = play.lost(remote.target())
    assert not end.unreachable
    assert "No usable Python" in end.message
    assert "apt-get install python3" in end.hint


def test_h14_an_old_python_first_in_the_path_is_passed_over(remote: Any, play: Any, change: Change) -> None:
    python_replaced(change, 'case "$*" in *PROVISION-TOO-OLD*) echo "PROVISION-TOO-OLD 3.5" >&2; exit 1;; '
                            "*version_info*) echo 3.5;; esac")
    assert isinstance(play.ping(remote.target()), SegmentEnded)


def test_h14_a_broken_python_is_passed_over(remote: Any, play: Any, change: Change) -> None:
    python_replaced(change, "echo 'error while loading shared libraries: libpython3.so' >&2; exit 127")
    assert isinstance(play.ping(remote.target()), SegmentEnded)


def test_h14_a_named_python_that_prints_garbage_for_ever(remote: Any, play: Any, change: Change) -> None:
    change("printf '#!/bin/sh\\nexec yes garbage\\n' > /tmp/garbage; chmod 755 /tmp/garbage", "rm /tmp/garbage")
    end = play.lost(remote.target(python="/tmp/garbage"))
    assert "printed a lot, but not the runner's first line: garbage" in end.message


def test_h14_a_named_python_that_hangs(remote: Any, make_play: Any, change: Change) -> None:
    change("printf '#!/bin/sh\\nexec sleep 9\\n' > /tmp/hangs; chmod 755 /tmp/hangs", "rm /tmp/hangs")
    play = make_play(deadlines=Deadlines(handshake=1.0))
    assert "did not start in time" in play.lost(remote.target(python="/tmp/hangs")).message


def test_h14_a_tmp_that_runs_nothing_does_not_matter(remote: Any, play: Any, change: Change) -> None:
    change("mount -t tmpfs -o noexec tmpfs /tmp", "umount /tmp")
    assert isinstance(play.ping(remote.target()), SegmentEnded)


# -- connections that die -------------------------------------------------------------------------------------

def test_h11_sshd_killed_in_mid_call_is_unreachable_and_the_next_segment_connects_anew(remote: Any, play: Any) -> None:
    end = play.run(remote.target(), [one("shell", text="kill -9 $(ps -o ppid= -p $PPID); sleep 1")])
    assert isinstance(end, SegmentLost), play.results()
    assert end.unreachable
    assert "is not known" in end.message
    assert isinstance(play.ping(remote.target()), SegmentEnded)


def test_the_usual_liveness_notices_a_dead_peer_within_fifteen_seconds() -> None:
    assert Liveness().total < 15


def test_h11_a_dead_link_is_noticed_in_the_time_set(remote: Any, make_play: Any) -> None:
    play = make_play(liveness=Liveness(idle=1, interval=1, count=3))
    segment = play.start(remote.target(), [one("sleep", seconds=30)])
    until_begun(play)
    inside = ["nsenter", f"--net={remote.host.namespace}", "ip", "link", "set", "host0"]
    subprocess.run([*inside, "down"], check=True)
    began = time.monotonic()
    try:
        end = play.wait(segment)
    finally:
        subprocess.run([*inside, "up"], check=True)
        gateway = ".".join([*remote.host.address.split(".")[:3], "1"])
        subprocess.run([*inside[:3], "route", "replace", "default", "via", gateway], check=True)
    assert time.monotonic() - began < 7
    assert isinstance(end, SegmentLost)
    assert end.unreachable
    assert "whether it finished is not known" in end.message


def test_h11_a_server_that_hangs_is_noticed_by_asking(remote: Any, make_play: Any) -> None:
    with FaultProxy((remote.host.address, 22)) as proxy:
        play = make_play(deadlines=Deadlines(probe=0.6))
        segment = play.start(remote.target(address=proxy.address[0], port=proxy.address[1]), [one("sleep", seconds=30)])
        until_begun(play)
        proxy.freeze()
        end = play.wait(segment)
    assert isinstance(end, SegmentLost)
    assert end.unreachable


@pytest.mark.parametrize("after", [200, 2000, 5000, 20000])
def test_h11_a_connection_cut_at_any_byte_is_told_and_the_next_run_heals(remote: Any, play: Any, after: int) -> None:
    with FaultProxy((remote.host.address, 22), cut_after=after, counting="up") as proxy:
        target = remote.target(address=proxy.address[0], port=proxy.address[1])
        end = play.run(target, [ModuleCall(CallId(n), "try", {"do": "nothing", "text": "x" * 400}) for n in range(60)])
        assert isinstance(end, SegmentLost)
        assert end.unreachable
        assert isinstance(play.ping(target), SegmentEnded)


CONTROLLER = """
import queue, sys
from pathlib import Path
from provisioner.messages import CallId, ModuleCall, Segment, Target
from provisioner.transport.pool import SessionPool
inputs = queue.Queue()
pool = SessionPool(inputs.put)
target = Target("lab", address=sys.argv[1], user="root", key_files=(sys.argv[2],), known_hosts=(sys.argv[3],))
work = [ModuleCall(CallId(n), "command", {"cmd": cmd}) for n, cmd in enumerate(["sleep 1.2", "touch /root/never"])]
pool.session(target).submit("lab", Segment(0, tuple(work)))
print(type(inputs.get(timeout=20)).__name__, flush=True)
inputs.get(timeout=20)
"""


def test_k11_a_killed_controller_leaves_no_runner_once_its_task_has_ended(remote: Any, tmp_path: Path) -> None:
    others = runners(remote)  # of tests before this one, which finish their last task
    script = tmp_path / "controller.py"
    script.write_text(textwrap.dedent(CONTROLLER))
    with subprocess.Popen([sys.executable, str(script), remote.host.address, str(remote.host.key_file),
                           str(remote.host.known_hosts)], stdout=subprocess.PIPE, text=True) as controller:  # fmt: skip
        assert controller.stdout is not None
        assert controller.stdout.readline() == "CallBegan\n"
        assert len(runners(remote) - others) == 1
        controller.send_signal(signal.SIGKILL)
    time.sleep(0.3)
    assert len(runners(remote) - others) == 1, "the task that runs is finished"
    deadline = time.monotonic() + 10
    while runners(remote) - others and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not runners(remote) - others
    assert remote.sh("ls /root/never 2>/dev/null || true") == "", "the task behind it is not begun"


def runners(remote: Any) -> set[str]:
    return set(remote.sh("pgrep -f '^python3 -I -S' || true").split())
