"""The sources of an app: which files they are, what they say, and the archive that a host gets."""

from __future__ import annotations

import fnmatch
import gzip
import hashlib
import json
import os
import re
import stat
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from provisioner.diag import ProvisionError
from provisioner.nextjs.javascript import EXTENSIONS
from provisioner.nextjs.prebuilt import Prebuilt, open_artifact
from provisioner.nextjs.settings import Artifact, Directory
from provisioner.nextjs.settings.source import Git, Source

LEFT_OUT = frozenset({".git", "node_modules", ".next", ".hg", ".svn", ".vercel", ".turbo", ".DS_Store", ".provision"})
OF_THIS_MACHINE = re.compile(r"\.env(\.[a-z]+)?\.local")  # by the convention of Next.js
BUILD_ENV = (".env", ".env.production")  # read by `next build`, though usually ignored by git
_TEXTS = (*EXTENSIONS, ".json", ".yaml", ".yml", ".lock", ".npmrc")
_LARGEST_TEXT = 8 << 20


class SourceError(ProvisionError):
    """The sources can't be had."""


@dataclass(frozen=True, slots=True)
class Tree:
    """A state of the sources. files: path -> digest over mode and content. revision: the commit, from git.

    prebuilt: what the tree is when it is no source but a build.
    """

    root: Path
    files: Mapping[str, str]
    digest: str
    revision: str | None = None
    prebuilt: Prebuilt | None = None

    def texts(self) -> dict[str, str]:
        """The files that tell what the app is: programs, settings, env files. Not the large ones."""
        found = {}
        for name in self.files:
            base = name.rpartition("/")[2]
            if base.endswith(_TEXTS) or base.startswith(".env"):
                path = self.root / name
                if path.is_file() and path.stat().st_size <= _LARGEST_TEXT:
                    found[name] = path.read_text(errors="replace")
        return found


@contextmanager
def opened(
    source: Source, search: Sequence[str], exclude: Sequence[str], cache: Path, app: str = ""
) -> Iterator[Tree]:
    """The tree of `source`. A relative directory is looked for in `search`; a repository is fetched into `cache` and
    its files are there until the context is left. app: the app's directory in it, for a build."""
    if isinstance(source, Directory):
        root = _find(source.path, search)
        yield read_tree(root, exclude)
        return
    if isinstance(source, Artifact):
        root, digest, prebuilt = open_artifact(_find(source.path, search, file=True), app, cache)
        names = dict.fromkeys(name for name in ("package.json", f"{app}/package.json") if (root / name).is_file())
        yield Tree(root, dict.fromkeys(names, ""), digest, prebuilt=prebuilt)
        return
    repository, commit = _fetched(source, cache)
    with tempfile.TemporaryDirectory(dir=cache) as scratch:
        _export(repository, commit, source.path, Path(scratch))
        yield read_tree(Path(scratch), exclude, revision=commit)


def _find(path: str, search: Sequence[str], *, file: bool = False) -> Path:
    candidates = (
        [Path(os.path.expanduser(path))]
        if Path(os.path.expanduser(path)).is_absolute()
        else [Path(folder) / path for folder in search]
    )
    for candidate in candidates:
        if candidate.is_dir() or (file and candidate.is_file()):
            return candidate
    what = "directory or a file" if file else "directory"
    raise SourceError(f"`source: {path}` is not a {what}", hint="looked for " + ", ".join(map(str, candidates)))


def read_tree(root: Path, exclude: Sequence[str] = (), *, revision: str | None = None) -> Tree:
    """All files below `root` but what git ignores, what is built, and what belongs to this machine."""
    names = [name for name in _names(root) if not _left_out(name, exclude)]
    files = {name: digest for name in sorted(names) if (digest := _digest(root / name)) is not None}
    total = hashlib.sha256(json.dumps(files, sort_keys=True).encode("utf-8", "surrogateescape")).hexdigest()
    return Tree(root, files, total, revision)


def _names(root: Path) -> Iterator[str]:
    listed = _git_files(root)
    if listed is None:
        for folder, folders, files in os.walk(root):
            folders[:] = [name for name in folders if name not in LEFT_OUT]
            links = [name for name in folders if (Path(folder) / name).is_symlink()]
            yield from (os.path.relpath(os.path.join(folder, name), root) for name in (*files, *links))
        return
    yield from listed
    yield from (name for name in BUILD_ENV if name not in listed and (root / name).is_file())


def _git_files(root: Path) -> list[str] | None:
    """Files that git tracks or would offer to add; None outside a work tree or without git."""
    argv = ["git", "-C", str(root), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        done = subprocess.run(argv, capture_output=True, check=False, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return None
    names = [os.fsdecode(name) for name in done.stdout.split(b"\0") if name]
    return list(dict.fromkeys(names)) if done.returncode == 0 and names else None


def _left_out(name: str, exclude: Sequence[str]) -> bool:
    parts = name.split("/")
    if any(part in LEFT_OUT for part in parts) or OF_THIS_MACHINE.fullmatch(parts[-1]):
        return True
    above = ["/".join(parts[:end]) for end in range(1, len(parts) + 1)]
    return any(fnmatch.fnmatchcase(path, pattern.strip("/")) for pattern in exclude for path in above)


def _digest(path: Path) -> str | None:
    """Over the content and whether it can be executed; None for what is neither file nor link (or has just gone)."""
    try:
        status = path.lstat()
    except FileNotFoundError:
        return None
    if stat.S_ISLNK(status.st_mode):
        return hashlib.sha256(b"link\0" + os.fsencode(os.readlink(path))).hexdigest()
    if not stat.S_ISREG(status.st_mode):
        return None
    digest = hashlib.sha256(b"x\0" if status.st_mode & 0o100 else b"-\0")
    with path.open("rb") as stream:
        for piece in iter(lambda: stream.read(1 << 20), b""):
            digest.update(piece)
    return digest.hexdigest()


def write_archive(tree: Tree, target: Path) -> None:
    """The files as tar.gz. Times are kept: what a web server says of a file's age and tag comes from them."""
    with (
        gzip.open(target, "wb", compresslevel=1) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive,
    ):
        for name in tree.files:
            info = archive.gettarinfo(tree.root / name, arcname=name)
            info.uid = info.gid = 0
            info.uname = info.gname = ""
            if info.isreg():
                info.mode = 0o755 if info.mode & 0o100 else 0o644
                with (tree.root / name).open("rb") as stream:
                    archive.addfile(info, stream)
            else:
                archive.addfile(info)


# -- git -------------------------------------------------------------------------------------------------------


def _fetched(source: Git, cache: Path) -> tuple[Path, str]:
    """A bare copy of the repository and the commit that `version` means there."""
    repository = cache / "git" / hashlib.sha256(source.repo.encode()).hexdigest()[:24]
    if not (repository / "HEAD").is_file():
        repository.mkdir(parents=True, exist_ok=True)
        _git("init", "--quiet", "--bare", str(repository))
    commit = _commit(repository, source.version) if re.fullmatch(r"[0-9a-f]{40}", source.version) else None
    if commit is None:
        _git(
            "-C",
            str(repository),
            "fetch",
            "--quiet",
            "--prune",
            "--force",
            "--",
            source.repo,
            "+refs/heads/*:refs/heads/*",
            "+refs/tags/*:refs/tags/*",
            "+HEAD:refs/remote/HEAD",
        )
        wanted = "refs/remote/HEAD" if source.version == "HEAD" else source.version
        commit = _commit(repository, wanted)
    if commit is None:
        raise SourceError(f"{source.repo} has no branch, tag or commit `{source.version}`")
    return repository, commit


def _commit(repository: Path, version: str) -> str | None:
    argv = [
        "git",
        "-C",
        str(repository),
        "rev-parse",
        "--quiet",
        "--verify",
        "--end-of-options",
        f"{version}^{{commit}}",
    ]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=60)
    return done.stdout.strip() if done.returncode == 0 else None


def _export(repository: Path, commit: str, path: str, target: Path) -> None:
    with tempfile.TemporaryFile(dir=target.parent) as packed:
        inside = f"{commit}:{path.strip('/')}" if path.strip("/") else commit
        _git("-C", str(repository), "archive", "--format=tar", inside, stdout=packed.fileno())
        packed.seek(0)
        try:
            with tarfile.open(fileobj=packed) as archive:
                archive.extractall(target, filter="data")
        except tarfile.FilterError as error:
            raise SourceError(f"the repository holds what can't be unpacked safely: {error}") from None


def _git(*words: str, stdout: int | None = None) -> None:
    environment = {**os.environ, "GIT_TERMINAL_PROMPT": "0"}
    try:
        subprocess.run(["git", *words], stdout=stdout, stderr=subprocess.PIPE, env=environment, check=True, timeout=600)
    except FileNotFoundError:
        raise SourceError(
            "git is not installed on this machine", hint="install git, or give `source` a directory"
        ) from None
    except subprocess.CalledProcessError as error:
        verb = words[2] if words[0] == "-C" else words[0]
        raise SourceError(f"git {verb} failed: {error.stderr.decode(errors='replace').strip()}") from None
    except subprocess.TimeoutExpired:
        raise SourceError(f"git {words[-1]} took longer than 10 minutes") from None
