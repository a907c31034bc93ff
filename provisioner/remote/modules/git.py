"""Working copies of git repositories."""

from __future__ import annotations

import re
from typing import Any, Optional

from provisioner.remote import gitarchive, gitrepo
from provisioner.remote.sdk import Ctx, Result
from provisioner.remote.spec import Arg, Arguments, Spec

SPEC = Spec(
    name="git",
    summary="Clone a git repository, or bring its working copy up to date",
    check="predict",
    identity=("dest",),
    args={
        "repo": Arg(required=True, aliases=("name",), doc="URL or path of the repository"),
        "dest": Arg(type="path", doc="Where the working copy is; needed unless `clone` is false"),
        "version": Arg(default="HEAD", doc="A branch, a tag, a commit, or HEAD for the default branch"),
        "remote": Arg(default="origin", doc="What the repository is called in the working copy"),
        "refspec": Arg(doc="A further refspec to fetch, for commits that no branch or tag leads to"),
        "force": Arg(type="bool", default=False, doc="Throw local changes away instead of failing"),
        "depth": Arg(type="int", doc="Only so many commits of history"),
        "clone": Arg(type="bool", default=True, doc="Clone if there is no working copy yet"),
        "update": Arg(type="bool", default=True, doc="Bring an existing working copy up to date"),
        "bare": Arg(type="bool", default=False, doc="No working files, the repository alone"),
        "recursive": Arg(type="bool", default=True, doc="Submodules too"),
        "track_submodules": Arg(type="bool", default=False, doc="Submodules at the tip of their branches"),
        "single_branch": Arg(type="bool", default=False, doc="Clone only the branch of `version`"),
        "separate_git_dir": Arg(
            type="path", doc="Where the repository itself is, if not in `.git`; one that is elsewhere is moved there"
        ),
        "archive": Arg(type="path", doc="An archive to make of the commit: .zip, .tar, .tar.gz, .tgz or .gz"),
        "archive_prefix": Arg(doc="What stands in front of each path in the archive, like `shop/`"),
        "reference": Arg(doc="A repository on the host to borrow objects from"),
        "key_file": Arg(type="path", doc="The private SSH key to use"),
        "accept_hostkey": Arg(type="bool", default=False, doc="The same as `accept_newhostkey`, with a warning"),
        "accept_newhostkey": Arg(
            type="bool", default=False, doc="Trust the key of a server never seen before; a changed one is refused"
        ),
        "ssh_opts": Arg(doc="Further options of ssh"),
        "executable": Arg(type="path", doc="The git to use"),
        "umask": Arg(type="mode", doc="The umask of new files, like 022"),
        "verify_commit": Arg(
            type="bool", default=False, doc="Fail unless the commit or tag is signed by a trusted key"
        ),
    },
    examples="""
- name: The app at a release
  git:
    repo: https://git.example.com/shop.git
    dest: /srv/shop/source
    version: v1.2.3
    depth: 1
- name: Only look what the newest commit is
  git:
    repo: https://git.example.com/shop.git
    clone: false
  register: newest
""",
    returns={
        "before": "the commit before",
        "after": "the commit now",
        "remote_url_changed": "whether the URL was another one",
    },
)

_BY_SSH = re.compile(r"ssh://|git\+ssh://|[^/:]+:(?!//)")
_NAME = re.compile(r"[A-Za-z0-9_.][A-Za-z0-9_./@{}^~+-]*")


def run(ctx: Ctx, a: Arguments) -> Result:
    _check_arguments(ctx, a)
    git = gitrepo.Git(ctx, a)
    if a.dest is None or not _is_there(ctx, a, git.dest):
        return _first_time(ctx, a, git)
    was, now = git.repository(), _separate(ctx, a, git)
    if now is not None and now != was and not ctx.check:
        git.change(["init", "--quiet", "--separate-git-dir", now])
    before = git.head()
    result = _bring_up_to_date(ctx, a, git, before) if a.update else Result(before=before, after=before)
    if now is not None and now != was:
        result.changed = True
        result.data.update(git_dir_before=was, git_dir_now=now)
    return _with_archive(ctx, a, git, result)


def _separate(ctx: Ctx, a: Arguments, git: gitrepo.Git) -> Optional[str]:
    """Where the repository is to be, if not in the working copy."""
    if a.separate_git_dir is None:
        return None
    path = ctx.expand(a.separate_git_dir).rstrip("/")
    if path != git.repository() and ctx.stat(path) is not None:
        raise ctx.fail("Separate-git-dir path %s already exists." % path)
    return path


def _with_archive(ctx: Ctx, a: Arguments, git: gitrepo.Git, result: Result) -> Result:
    if a.archive is None:
        return result
    if ctx.check and git.head() != result.data["after"]:
        result.changed = True  # of a commit that is not here yet
    elif gitarchive.write(ctx, git, a):
        result.changed = True
    return result


def _check_arguments(ctx: Ctx, a: Arguments) -> None:
    if a.dest is None and a.clone:
        raise ctx.fail("the destination directory must be specified unless clone=no")
    if a.accept_hostkey and _BY_SSH.match(a.repo):
        ctx.warn(
            "`accept_hostkey` is read as `accept_newhostkey`: the key of a server never seen before is trusted, "
            "a changed one is refused"
        )
    if a.repo.startswith("-") or any(ord(sign) < 32 for sign in a.repo):
        raise ctx.fail("%r is not a repository" % a.repo)
    if a.separate_git_dir is not None and a.bare:
        raise ctx.fail("`separate_git_dir` and `bare` exclude each other: a bare repository has no working copy")
    gitarchive.check(ctx, a)
    for field in ("version", "remote"):
        value = getattr(a, field)
        if not _NAME.fullmatch(value) or ".." in value:
            raise ctx.fail("`%s: %s` is not a name that git allows" % (field, value))
    if a.refspec is not None and (a.refspec.startswith("-") or any(sign.isspace() for sign in a.refspec)):
        raise ctx.fail("%r is not a refspec" % a.refspec)


def _is_there(ctx: Ctx, a: Arguments, dest: str) -> bool:
    return ctx.stat(dest + ("/HEAD" if a.bare else "/.git"), follow=True) is not None


def _first_time(ctx: Ctx, a: Arguments, git: gitrepo.Git) -> Result:
    if ctx.check and ctx.predicted("path", a.repo) is not None:
        raise ctx.unknown("what is in %s is not known before it is there" % a.repo)
    separate = _separate(ctx, a, git)
    target = git.remote_target(a.repo, a.version, a.refspec)
    after = target.commit
    if a.clone and not ctx.check:
        parent = git.dest.rstrip("/").rpartition("/")[0]
        if parent and ctx.stat(parent, follow=True) is None:
            ctx.mkdir(parent, parents=True)
        gitrepo.clone(git, a, target, separate)
        if target.kind in ("commit", "ref") or a.refspec is not None:
            gitrepo.fetch(git, a, target)
        gitrepo.check_out(git, a, target)
        gitrepo.update_submodules(ctx, git, a)
        _verify(a, git)
        after = git.head() or after
        if a.archive is not None:
            gitarchive.write(ctx, git, a)
    predictions = [("path", git.dest, {"kind": "directory"})] if a.clone else []
    return Result(changed=True, diff=_diff(ctx, None, after), predictions=predictions, before=None, after=after)


def _bring_up_to_date(ctx: Ctx, a: Arguments, git: gitrepo.Git, before: Optional[str]) -> Result:
    unfinished = not a.bare and git.is_unfinished()
    dirty = (
        not a.bare
        and not unfinished
        and bool(git.output(["status", "--porcelain", "--untracked-files=no", "--ignore-submodules=all"]))
    )
    if dirty and not a.force:
        raise ctx.fail("Local modifications exist in the destination: %s (force=no)." % git.dest, before=before)
    url = git.output(["config", "--get", "remote.%s.url" % a.remote])
    data: "dict[str, Any]" = {"before": before}
    if url != a.repo:
        data["remote_url_changed"] = True
    target = git.remote_target(a.repo, a.version, a.refspec)
    moves = unfinished or not (before is not None and before.startswith(target.commit))
    stale = gitrepo.submodules_differ(ctx, git, a)
    changed = moves or dirty or stale or url != a.repo
    after = target.commit if moves else before
    if changed and not ctx.check:
        if url != a.repo:
            words = ["remote", "set-url"] if url else ["remote", "add"]
            git.change([*words, "--end-of-options", a.remote, a.repo])
        if dirty:
            git.change(["reset", "--quiet", "--hard", "HEAD"])
        if moves:
            gitrepo.fetch(git, a, target)
            gitrepo.check_out(git, a, target)
        gitrepo.update_submodules(ctx, git, a)
        _verify(a, git)
        after = git.head()
    return Result(changed=changed, diff=_diff(ctx, before, after) if changed else None, after=after, **data)


def _verify(a: Arguments, git: gitrepo.Git) -> None:
    if a.verify_commit:
        git.change(["verify-commit", "HEAD"])


def _diff(ctx: Ctx, before: Optional[str], after: Optional[str]) -> Any:
    return {"before": before or "", "after": after or ""} if ctx.want_diff else None
