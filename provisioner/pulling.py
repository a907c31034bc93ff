"""A checkout of somebody's git repository, brought up to date: for hosts that fetch their playbooks themselves."""

from __future__ import annotations

import fcntl
import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from provisioner.diag import ProvisionError, UsageError

_PROTOCOLS: Final = "file:git:http:https:ssh"
"""Not `ext`, which would run what the address says."""
_GIVE_UP: Final = 600.0  # seconds for a fetch
_REF: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/+@-]*")


@dataclass(frozen=True, slots=True)
class Source:
    """branch: or a tag; empty: what the repository names by itself. verify: take only commits with a good signature,
    and none older than the one before. signers: whose (a file of ssh's ALLOWED SIGNERS); None: GnuPG's keyring says."""

    url: str
    directory: Path
    branch: str = ""
    verify: bool = False
    signers: Path | None = None

    def check(self) -> None:
        """Raises `UsageError` for what can't be fetched, or should not."""
        if self.url.startswith("-") or "::" in self.url:
            raise UsageError(f"{self.url!r} is no address of a git repository")
        if urlsplit(self.url).password:
            raise UsageError("everybody on this machine could read the password in the address",
                             hint="use a key (ssh), or git's credential helper")  # fmt: skip
        if self.branch and not _REF.fullmatch(self.branch):
            raise UsageError(f"{self.branch!r} can't name a branch or a tag")


@contextmanager
def taken(directory: Path, *, wait: bool) -> Iterator[int]:
    """The lock of a checkout, its descriptor: whoever inherits it holds the lock. Raises `ProvisionError` if somebody
    else has it."""
    directory.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = os.open(directory.with_name(f"{directory.name}.lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            raise ProvisionError(f"another `provision pull` is at work in {directory}",
                                 hint="try again when it has ended") from None  # fmt: skip
        yield lock
    finally:
        os.close(lock)


def bring_up_to_date(source: Source) -> str:
    """Make the checkout what the repository has, and nothing else; gives the commit. While a fetch fails, or a commit
    is not signed as it should be, the checkout stays as it was, and `ProvisionError` is raised."""
    source.check()
    if not (source.directory / ".git").is_dir():
        source.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        if any(source.directory.iterdir()):
            raise UsageError(f"{source.directory} is neither empty nor a checkout", hint="say another --directory")
        _git(source, "init", "--quiet")
    _git(source, "fetch", "--quiet", "--no-tags", "--force", "--", source.url, source.branch or "HEAD")
    commit = _git(source, "rev-parse", "--verify", "FETCH_HEAD^{commit}")
    if source.verify:
        _verify(source, commit)
    _git(source, "checkout", "--quiet", "--force", "--detach", commit)
    _git(source, "clean", "--quiet", "-ffdx")
    return commit


def _verify(source: Source, commit: str) -> None:
    signers = source.signers
    ssh = ("-c", "gpg.format=ssh", "-c", f"gpg.ssh.allowedSignersFile={signers.absolute()}") if signers else ()
    try:
        _git(source, *ssh, "verify-commit", commit)
    except ProvisionError as error:
        raise ProvisionError(f"commit {commit[:12]} of {source.url} has no signature that counts: {error.message}",
                             hint="nothing was run, and the checkout is as it was") from None  # fmt: skip
    before = _run(source, "rev-parse", "--verify", "--quiet", "HEAD")
    if before.returncode:
        return
    if _run(source, "merge-base", "--is-ancestor", before.stdout.strip(), commit).returncode:
        raise ProvisionError(f"commit {commit[:12]} of {source.url} does not follow {before.stdout[:12]}, the last "
                             "one", hint=f"if the branch was rewritten on purpose, remove {source.directory}")


def _git(source: Source, *words: str) -> str:
    done = _run(source, *words)
    if done.returncode:
        said = [line for line in done.stderr.strip().splitlines() if line.strip()]
        raise ProvisionError("; ".join(said[-3:]) or f"git ended with {done.returncode}",
                             hint="what went wrong is git's: " + " ".join(("git", *words[:1])))  # fmt: skip
    return done.stdout.strip()


def _run(source: Source, *words: str) -> subprocess.CompletedProcess[str]:
    """Asks nobody anything, runs no hooks, and stays within the protocols."""
    environment = {**os.environ, "GIT_TERMINAL_PROMPT": "0", "GIT_ALLOW_PROTOCOL": _PROTOCOLS, "LC_ALL": "C.UTF-8"}
    environment.setdefault("GIT_SSH_COMMAND", "ssh -o BatchMode=yes")
    command = ["git", "-C", str(source.directory), "-c", "core.hooksPath=/dev/null", *words]
    try:
        return subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              errors="replace", timeout=_GIVE_UP, check=False)  # fmt: skip
    except FileNotFoundError:
        raise ProvisionError("there is no git on this machine", hint="apt-get install git") from None
    except subprocess.TimeoutExpired:
        raise ProvisionError(f"git took longer than {_GIVE_UP:.0f} s: {source.url}") from None
