"""What tests of sessions share: a pool whose inputs are collected, and targets for lab hosts."""

from __future__ import annotations

import queue
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from provisioner.lab import DEPLOY, Lab, LabHost, LabUser
from provisioner.messages import (
    Become,
    CallEnded,
    CallId,
    Input,
    ModuleCall,
    Segment,
    SegmentEnded,
    SegmentLost,
    Target,
)
from provisioner.transport.bundle import Bundle, pack, read_sources
from provisioner.transport.connection import Deadlines, Liveness
from provisioner.transport.pool import SessionPool, TransportSettings
from provisioner.transport.sshconfig import Resolver
from provisioner.values import HostName, Secret

# A module for these tests alone: it does what a host's worst module could do.
TRY = r'''
import hashlib, io, os, subprocess, sys, time
from provisioner.remote.sdk import Result
from provisioner.remote.spec import Arg, Spec
SPEC = Spec(name="try", summary="", check="run", args={
    "do": Arg(), "seconds": Arg("float", default=0.0), "content": Arg("content"), "text": Arg(), "size": Arg("int")})

def run(ctx, a):
    if a.do == "print":
        print("a stray print " * 1000); sys.stderr.write("and an error\n"); os.system("echo from a child; echo x >&2")
    elif a.do == "shell":
        done = subprocess.run(a.text, shell=True, capture_output=True, text=True)
        return Result(rc=done.returncode, stdout=done.stdout, stderr=done.stderr)
    elif a.do == "sleep":
        ctx.run(["sleep", str(a.seconds)], check=True)
    elif a.do == "pull":
        return Result(sha256=hashlib.sha256(ctx.content(a.content)).hexdigest())
    elif a.do == "send":
        ctx.send(io.BytesIO(b"x" * a.size))
    elif a.do == "large":
        return Result(text="x" * a.size)
    elif a.do == "live":
        ctx.run(["sh", "-c", "for n in 1 2 3; do echo line $n; done"], live=True)
    elif a.do == "who":
        import getpass
        return Result(user=getpass.getuser(), pid=os.getpid(), environ=dict(os.environ),
                      seen=ctx.run(["sh", "-c", "printf %s \"$GREETING\""]).stdout)
    return Result(changed=True)
'''


def bundle_with_try() -> Bundle:
    sources, packages = read_sources()
    return pack({**sources, "provisioner.remote.modules.try": TRY}, packages)


def calls(module: str, *arguments: dict[str, Any], **more: Any) -> tuple[ModuleCall, ...]:
    """One call per mapping of arguments."""
    return tuple(ModuleCall(CallId(number), module, given, **more) for number, given in enumerate(arguments))


@dataclass
class Play:
    """A pool, and all inputs it posted."""

    pool: SessionPool
    inputs: queue.Queue[Input]
    seen: list[Input] = field(default_factory=list)
    segments: int = 0

    def start(self, target: Target, work: Sequence[ModuleCall], become: Become | None = None) -> int:
        self.segments += 1
        self.pool.session(target).submit(target.host, Segment(self.segments, tuple(work), become))
        return self.segments

    def wait(self, segment: int, timeout: float = 30) -> SegmentEnded | SegmentLost:
        """The end of a segment; everything before it is kept in `seen`."""
        while True:
            event = self.inputs.get(timeout=timeout)
            self.seen.append(event)
            if isinstance(event, SegmentEnded | SegmentLost) and event.segment == segment:
                return event

    def run(self, target: Target, work: Sequence[ModuleCall], become: Become | None = None,
            timeout: float = 30) -> SegmentEnded | SegmentLost:
        return self.wait(self.start(target, work, become), timeout)

    def ping(self, target: Target, become: Become | None = None) -> SegmentEnded | SegmentLost:
        return self.run(target, calls("ping", {}), become)

    def lost(self, target: Target, become: Become | None = None) -> SegmentLost:
        """What became of a ping that must fail."""
        end = self.ping(target, become)
        assert isinstance(end, SegmentLost), self.results()
        return end

    def results(self) -> list[dict[str, Any]]:
        """Results of the last segment that ended."""
        last = self.seen[-1]
        assert isinstance(last, SegmentEnded | SegmentLost)
        ended = [event for event in self.seen if isinstance(event, CallEnded)]
        return [dict(event.result) for event in ended if event.segment == last.segment]


@pytest.fixture(scope="package")
def bundle() -> Bundle:
    return bundle_with_try()


@pytest.fixture
def make_play(bundle: Bundle) -> Iterator[Any]:
    """`make_play(deadlines=…, forks=…)`; every pool is closed after the test."""
    with ExitStack() as cleanup:
        def make(*, deadlines: Deadlines | None = None, liveness: Liveness | None = None, forks: int = 5) -> Play:
            inputs: queue.Queue[Input] = queue.Queue()
            settings = TransportSettings(deadlines=deadlines or Deadlines(),
                                         liveness=liveness or Liveness(), resolver=Resolver(environment={}),
                                         load_bundle=lambda: bundle)
            return Play(cleanup.enter_context(SessionPool(inputs.put, forks=forks, settings=settings)), inputs)

        yield make


@pytest.fixture
def play(make_play: Any) -> Play:
    made: Play = make_play()
    return made


@dataclass(frozen=True)
class Remote:
    """A lab host and the target that leads to it."""

    host: LabHost

    def target(self, user: str = "root", **more: Any) -> Target:
        base = Target(HostName(self.host.name), address=self.host.address, user=user,
                      key_files=(str(self.host.key_file),), known_hosts=(str(self.host.known_hosts),),
                      host_key_alias=self.host.name, ssh_args=("-F", "none"))
        return replace(base, **more)

    def password(self, user: str = "deploy") -> Secret:
        return Secret(self.host.password_file(user).read_text().strip())

    def sh(self, script: str, check: bool = True) -> str:
        return self.host.run(["/bin/sh", "-c", script], check=check).stdout

    def sshd(self, *lines: str) -> None:
        """Restart sshd with these settings first; without any, as it was."""
        file = "/etc/ssh/sshd_config.d/00-test.conf"
        text = "\\n".join(lines)
        self.sh(f"printf '{text}\\n' > {file}; systemctl reset-failed ssh; systemctl restart ssh")

    def log(self) -> str:
        return self.sh("journalctl -u ssh -o cat --no-pager")


@pytest.fixture(scope="package")
def remote(lab: Lab) -> Iterator[Remote]:
    """One host for all tests of the transport; who changes it puts it back. `deploy`'s sudo wants a password."""
    made = lab.up(["transport"], users=[DEPLOY, LabUser("guest", "no")])[0]
    try:
        yield Remote(made)
    finally:
        lab.down([made.name])
