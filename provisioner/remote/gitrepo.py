"""git for one working copy: what the remote has, and the commands that bring the copy there.

Names of branches, URLs and paths come behind `--end-of-options` or `--`, so none of them can be an option;
protocols that run programs (`ext::`) are off; nobody is ever asked anything.
"""

from __future__ import annotations

import os
import re
import shlex
from typing import Any, NamedTuple, Optional, Sequence

from provisioner.remote.sdk import Completed, Ctx
from provisioner.remote.spec import Arguments

_SHA = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_SHORT = re.compile(r"[0-9a-f]{4,39}")


class Target(NamedTuple):
    """What `version` means at the remote. kind: branch, tag, commit or ref; `ref` is its full name there."""

    kind: str
    commit: str
    ref: str = ""

    @property
    def branch(self) -> str:
        return self.ref[len("refs/heads/") :] if self.kind == "branch" else ""


class Git:
    """git with the settings of one task."""

    def __init__(self, ctx: Ctx, a: Arguments) -> None:
        self._ctx = ctx
        self._program = a.executable or "git"
        self._dest = "" if a.dest is None else ctx.expand(a.dest)
        self._umask = int(a.umask, 8) if a.umask is not None else None
        self._env = {
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_ASKPASS": "true",
            "SSH_ASKPASS": "true",
            "LC_ALL": "C.UTF-8",
            "GIT_OPTIONAL_LOCKS": "0",  # `git status` would write the index, in check mode too
            "GIT_ALLOW_PROTOCOL": "file:git:http:https:ssh",
            "GIT_SSH_COMMAND": _ssh_command(ctx, a),
        }

    @property
    def dest(self) -> str:
        return self._dest

    def ask(self, words: "Sequence[str]", *, inside: bool = True) -> Completed:
        """Only reads."""
        done = self._ctx.query([self._program, *words], env=self._env, cwd=self._dest if inside else None)
        if done.rc == 127:
            if self._ctx.check and self._ctx.predicted("package", "git") is not None:
                raise self._ctx.unknown("git is not installed yet")
            raise self._ctx.fail(
                "Failed to find required executable %s on the host; install the package git first" % self._program
            )
        return done

    def change(self, words: "Sequence[str]", *, inside: bool = True) -> Completed:
        done = self._ctx.run(
            [self._program, *words], env=self._env, cwd=self._dest if inside else None, umask=self._umask, live=True
        )
        if done.rc:
            raise self.failure(words[0], done)
        return done

    def failure(self, what: str, done: Completed) -> Exception:
        message = done.stderr.strip() or done.stdout.strip()
        if "Host key verification failed" in message:
            message += "\nPut the server's key into known_hosts after checking it"
        if "dubious ownership" in message:
            message = (
                "%s belongs to another user than the one git runs as; add `become_user` with its owner" % self._dest
            )
        return self._ctx.fail("git %s failed: %s" % (what, message), rc=done.rc, stdout=done.stdout, stderr=done.stderr)

    def output(self, words: "Sequence[str]") -> str:
        """What a reading command says, "" when it fails."""
        done = self.ask(words)
        if "dubious ownership" in done.stderr:
            raise self.failure(words[0], done)
        return done.stdout.strip() if done.rc == 0 else ""

    def repository(self) -> str:
        """The directory that `.git` is, or names (`gitdir: PATH`). Fails where it is a file of other words."""
        path = self._dest + "/.git"
        found = self._ctx.stat(path, follow=True)
        if found is None or found.kind != "file":
            return path
        word, _, named = (self._ctx.read_text(path, 4096) or "").strip().partition(": ")
        if word != "gitdir":
            raise self._ctx.fail("%s does not say where the repository is" % path)
        return os.path.normpath(os.path.join(self._dest, named))

    def is_unfinished(self) -> bool:
        """Whether an earlier run was interrupted: differences are then half a checkout, not somebody's."""
        return self._ctx.stat(self.repository() + "/index") is None or self._ctx.stat(self._mark) is not None

    @property
    def _mark(self) -> str:
        return self.repository() + "/provision-unfinished"

    def begin(self) -> None:
        """Leave a mark that a crash does not remove."""
        self._ctx.write(self._mark, b"")

    def finish(self) -> None:
        self._ctx.remove(self._mark)

    def head(self) -> Optional[str]:
        """The commit that is checked out."""
        return self.output(["rev-parse", "--verify", "--quiet", "HEAD"]) or None

    def remote_target(self, repo: str, version: str, refspec: Optional[str]) -> Target:
        """What `version` is at `repo` now; a full commit needs no question."""
        if _SHA.fullmatch(version):
            return Target("commit", version)
        names = (
            ["HEAD", version]
            if version.startswith("refs/")
            else ["HEAD", "refs/heads/" + version, "refs/tags/" + version, "refs/tags/%s^{}" % version]
        )
        done = self.ask(["ls-remote", "--symref", "--end-of-options", repo, *names], inside=False)
        if done.rc:
            raise self.failure("ls-remote", done)
        found, head = _refs(done.stdout)
        target = _choose(found, head, version)
        if target is not None:
            return target
        local = (
            self.output(["rev-parse", "--verify", "--quiet", "--end-of-options", version + "^{commit}"])
            if _SHORT.fullmatch(version) and self._ctx.stat(self._dest) is not None
            else ""
        )
        if local or _SHORT.fullmatch(version):
            return Target("commit", local or version)
        if refspec is not None:
            return Target("commit", version)
        raise self._ctx.fail("there is no branch, tag or commit `%s` in %s" % (version, repo))


def _refs(text: str) -> "tuple[dict[str, str], str]":
    """Refs and their commits, and what HEAD stands for, from `ls-remote --symref`."""
    found, head = {}, ""
    for line in text.splitlines():
        left, _, name = line.partition("\t")
        if left.startswith("ref: "):
            head = left[5:] if name == "HEAD" else head
        else:
            found[name] = left
    return found, head


def _choose(found: "dict[str, str]", head: str, version: str) -> Optional[Target]:
    if version == "HEAD" and "HEAD" in found:
        return (
            Target("branch", found["HEAD"], head) if head.startswith("refs/heads/") else Target("commit", found["HEAD"])
        )
    branch, tag = "refs/heads/" + version, "refs/tags/" + version
    if branch in found:
        return Target("branch", found[branch], branch)
    if tag in found:
        return Target("tag", found.get(tag + "^{}", found[tag]), tag)
    if version in found:
        kind = "branch" if version.startswith("refs/heads/") else "tag" if version.startswith("refs/tags/") else "ref"
        return Target(kind, found.get(version + "^{}", found[version]), version)
    return None


def _ssh_command(ctx: Ctx, a: Arguments) -> str:
    words = [
        "ssh",
        "-o",
        "BatchMode=yes",
        "-o",
        "StrictHostKeyChecking=%s" % ("accept-new" if a.accept_newhostkey or a.accept_hostkey else "yes"),
    ]
    if a.key_file is not None:
        words += ["-i", ctx.expand(a.key_file), "-o", "IdentitiesOnly=yes"]
    try:
        extra = shlex.split(a.ssh_opts or "")
    except ValueError as error:
        raise ctx.fail("`ssh_opts` can't be read: %s" % error) from None
    if any(
        re.search(r"stricthostkeychecking[= ]*(no|off)|userknownhostsfile[= ]*/dev/null", word, re.IGNORECASE)
        for word in extra
    ):
        raise ctx.fail(
            "`ssh_opts` would switch off the check of the server's key, so that anybody could answer in its place; "
            "put its key into known_hosts instead"
        )
    return " ".join(shlex.quote(word) for word in [*words, *extra])


def clone(git: Git, a: Arguments, target: Target, separate: Optional[str] = None) -> None:
    words: "list[str]" = ["clone", *(["--bare"] if a.bare else ["--no-checkout"])]
    if a.remote != "origin":  # older git knows no other name for a bare clone, so the usual one is not spelt out
        words += ["--origin", a.remote]
    if a.depth is not None:
        words += ["--depth", str(a.depth)]
    if target.kind in ("branch", "tag") and a.version != "HEAD":
        words += ["--branch", target.ref.split("/", 2)[2]]
    if a.single_branch:
        words.append("--single-branch")
    if a.reference is not None:
        words += ["--reference", a.reference]
    if separate is not None:
        words.append("--separate-git-dir=" + separate)
    git.change([*words, "--", a.repo, git.dest], inside=False)


def fetch(git: Git, a: Arguments, target: Target) -> None:
    """Get the commit wanted, whatever the copy was cloned with."""
    depth = ["--depth", str(a.depth)] if a.depth is not None else []
    start = ["fetch", "--force", *depth]
    if a.refspec is not None:
        git.change([*start, "--end-of-options", a.remote, a.refspec])
    if a.bare:
        git.change([*start, "--end-of-options", a.remote, "+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"])
    elif target.kind == "branch":
        git.change(
            [
                *start,
                "--tags",
                "--end-of-options",
                a.remote,
                "+%s:refs/remotes/%s/%s" % (target.ref, a.remote, target.branch),
            ]
        )
    elif target.kind in ("tag", "ref"):
        git.change([*start, "--end-of-options", a.remote, "+%s:%s" % (target.ref, target.ref)])
    elif not has_commit(git, target.commit):
        git.change(["fetch", "--force", "--tags", "--end-of-options", a.remote])
        if not has_commit(git, target.commit):
            git.change([*start, "--end-of-options", a.remote, target.commit])


def has_commit(git: Git, commit: str) -> bool:
    return git.ask(["cat-file", "-e", "--end-of-options", commit + "^{commit}"]).rc == 0


def check_out(git: Git, a: Arguments, target: Target) -> None:
    if a.bare:
        return
    git.begin()
    if target.kind == "branch":
        remote = "refs/remotes/%s/%s" % (a.remote, target.branch)
        git.change(["checkout", "--quiet", "--force", "-B", target.branch, remote, "--"])
    else:
        git.change(["checkout", "--quiet", "--force", "--detach", target.ref or target.commit, "--"])
    git.finish()


def submodules_differ(ctx: Ctx, git: Git, a: Arguments) -> bool:
    """Whether a submodule is missing or at another commit than the one recorded."""
    if a.bare or not a.recursive or ctx.stat(git.dest + "/.gitmodules") is None:
        return False
    lines = git.ask(["submodule", "status", "--recursive"]).stdout.splitlines()
    return any(line[:1] in ("-", "+", "U") for line in lines)


def update_submodules(ctx: Ctx, git: Git, a: Arguments) -> None:
    if a.bare or not a.recursive or ctx.stat(git.dest + "/.gitmodules") is None:
        return
    git.change(["submodule", "sync", "--recursive"])
    more: "list[Any]" = ["--remote"] if a.track_submodules else []
    git.change(["submodule", "update", "--init", "--recursive", "--force", *more])
