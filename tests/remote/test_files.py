"""Users other than root are played by numbers: these tests need root for them and are skipped without, saying so."""

import os
import socket
import stat
import subprocess
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provisioner.remote import files
from provisioner.remote.files import Owner, remove, replace
from provisioner.remote.modebits import mode_bits
from provisioner.remote.sdk import ModuleFailed
from provisioner.testing.inprocess import make_context

MALLORY, OTHER = 61234, 61235
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="files of several users need root")


def put(path: Path, data: bytes = b"new", *, mode: str | None = None, owner: Owner | None = None, umask: int = 0o022,
        follow: bool = True) -> None:
    replace(str(path), data, mode=mode, owner=owner or Owner(), umask=umask, follow=follow)


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


def test_a_new_file_has_0644_less_the_umask_and_always_lets_its_owner_in(tmp_path: Path) -> None:
    for umask, expected in ((0o022, 0o644), (0o077, 0o600), (0o777, 0o600)):
        put(tmp_path / str(umask), umask=umask)
        assert mode_of(tmp_path / str(umask)) == expected


@as_root
def test_who_may_write_in_a_directory_replaces_what_is_another_users(tmp_path: Path) -> None:
    with tempfile.TemporaryDirectory() as shared:  # pytest's own directories are closed to others
        path = Path(shared) / "f"
        path.write_text("old")
        path.chmod(0o4755)
        os.chown(shared, MALLORY, -1)
        os.seteuid(MALLORY)
        try:
            put(path)
        finally:
            os.seteuid(0)
        assert (path.read_text(), path.stat().st_uid, mode_of(path)) == ("new", MALLORY, 0o755)


def test_what_is_written_is_newer_than_what_was_written_before(tmp_path: Path) -> None:
    for number in range(20):
        (tmp_path / "before").write_text(str(number))
        put(tmp_path / "f")
        assert (tmp_path / "before").stat().st_mtime_ns < (tmp_path / "f").stat().st_mtime_ns


def test_a_replaced_file_keeps_mode_owner_and_attributes(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_text("old")
    path.chmod(0o640)
    if os.geteuid() == 0:
        os.chown(path, MALLORY, OTHER)
        tmp_path.chmod(0o755)
    os.setxattr(path, "user.note", b"kept")
    before = path.stat()
    put(path)
    after = path.stat()
    assert path.read_bytes() == b"new"
    assert (after.st_mode, after.st_uid, after.st_gid) == (before.st_mode, before.st_uid, before.st_gid)
    assert after.st_ino != before.st_ino
    assert os.getxattr(path, "user.note") == b"kept"


def test_an_acl_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_text("old")
    path.chmod(0o640)
    # version 2; user::rw-, user:1000:r--, group::r--, mask::r--, other::---
    entries = [(1, 6, 0xFFFFFFFF), (2, 4, 1000), (4, 4, 0xFFFFFFFF), (16, 4, 0xFFFFFFFF), (32, 0, 0xFFFFFFFF)]
    acl = (2).to_bytes(4, "little")
    for tag, bits, who in entries:
        acl += tag.to_bytes(2, "little") + bits.to_bytes(2, "little") + who.to_bytes(4, "little")
    os.setxattr(path, "system.posix_acl_access", acl)
    put(path)
    assert os.getxattr(path, "system.posix_acl_access") == acl


def test_other_hard_links_keep_the_old_content(tmp_path: Path) -> None:
    path, other = tmp_path / "f", tmp_path / "other"
    path.write_text("old")
    other.hardlink_to(path)
    put(path)
    assert (path.read_text(), other.read_text()) == ("new", "old")


def test_nothing_is_left_and_the_old_file_is_whole_when_the_source_fails(tmp_path: Path) -> None:
    class Broken:
        def read(self, size: int) -> bytes:
            raise OSError(5, "Input/output error")

    path = tmp_path / "f"
    path.write_text("old")
    with pytest.raises(OSError, match="Input/output"):
        replace(str(path), Broken(), mode=None, owner=Owner(), umask=0o022)  # type: ignore[arg-type]
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["f"]


def test_a_file_system_without_nameless_files_is_served_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.open
    seen = []

    def without_tmpfile(path: str, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        if flags & os.O_TMPFILE == os.O_TMPFILE:
            raise OSError(95, "Operation not supported")
        if flags & os.O_CREAT:
            seen.append((flags, mode))
        return real(path, flags, mode, dir_fd=dir_fd)

    monkeypatch.setattr(os, "open", without_tmpfile)
    put(tmp_path / "f", mode="0604")
    assert (tmp_path / "f").read_bytes() == b"new"
    assert mode_of(tmp_path / "f") == 0o604
    assert os.listdir(tmp_path) == ["f"]
    needed = os.O_EXCL | os.O_NOFOLLOW
    assert [(flags & needed == needed, mode) for flags, mode in seen] == [(True, 0o600)]


def test_data_are_synced_before_the_rename_and_the_directory_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    events: list[str] = []
    real_sync, real_rename = os.fsync, os.rename

    def fsync(fd: int) -> None:
        events.append("sync directory" if stat.S_ISDIR(os.fstat(fd).st_mode) else "sync data")
        real_sync(fd)

    def rename(source: str, target: str, **more: int) -> None:
        events.append("rename")
        real_rename(source, target, **more)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "rename", rename)
    put(tmp_path / "f")
    assert events == ["sync data", "rename", "sync directory"]


@as_root
def test_owner_and_mode_are_set_before_the_content_can_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    events: list[str] = []
    real = {name: getattr(os, name) for name in ("fchown", "fchmod", "link")}

    def watch(name: str) -> None:
        def call(*args: object, **more: object) -> None:
            events.append(f"{name} {oct(args[1])}" if name == "fchmod" else name)  # type: ignore[arg-type]
            real[name](*args, **more)

        monkeypatch.setattr(os, name, call)

    for name in real:
        watch(name)
    put(tmp_path / "f", mode="0640", owner=Owner(MALLORY, OTHER))
    assert events == ["fchmod 0o600", "fchown", "fchmod 0o644", "fchmod 0o640", "link"]


def test_a_link_of_our_own_is_followed_and_one_may_ask_not_to(tmp_path: Path) -> None:
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_text("old")
    link.symlink_to("target")
    put(link)
    assert target.read_text() == "new"
    assert link.is_symlink()
    put(link, b"newer", follow=False)
    assert (target.read_text(), link.read_text(), link.is_symlink()) == ("new", "newer", False)


@as_root
@pytest.mark.parametrize("where", ["last", "middle"])
def test_a_users_link_to_what_is_not_theirs_is_refused(tmp_path: Path, where: str) -> None:
    tmp_path.chmod(0o755)
    home, etc = tmp_path / "home", tmp_path / "etc"
    home.mkdir()
    etc.mkdir()
    (etc / "shadow").write_text("secret")
    os.chown(home, MALLORY, MALLORY)
    link = home / ("shadow" if where == "last" else "etc")
    link.symlink_to(etc / "shadow" if where == "last" else etc)
    os.chown(link, MALLORY, MALLORY, follow_symlinks=False)
    path = link if where == "last" else link / "shadow"
    ctx = make_context()
    with pytest.raises(ModuleFailed, match="not theirs"):
        put(path)
    with pytest.raises(ModuleFailed, match="not theirs"):
        ctx.chmod(str(path), "0666")
    with pytest.raises(ModuleFailed, match="not theirs"):
        ctx.chown(str(path), str(MALLORY), None)
    assert (etc / "shadow").read_text() == "secret"
    assert (etc / "shadow").stat().st_uid == 0


@as_root
def test_a_users_link_within_what_is_theirs_is_followed(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    app = tmp_path / "app"
    (app / "releases" / "7").mkdir(parents=True)
    (app / "current").symlink_to("releases/7")
    for path in (app, app / "releases", app / "releases" / "7", app / "current"):
        os.chown(path, MALLORY, MALLORY, follow_symlinks=False)
    put(app / "current" / "env")
    assert (app / "releases" / "7" / "env").read_text() == "new"


@as_root
def test_a_file_somebody_left_where_all_can_write_is_not_taken_over(tmp_path: Path) -> None:
    tmp_path.chmod(0o1777)
    path = tmp_path / "planted"
    path.write_text("mine")
    os.chown(path, MALLORY, MALLORY)
    with pytest.raises(ModuleFailed, match="may be a trap"):
        put(path)
    put(path, owner=Owner(0, 0), mode="0600")
    assert (path.stat().st_uid, mode_of(path)) == (0, 0o600)


@as_root
def test_a_hard_link_in_a_users_directory_is_not_given_away(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    home = tmp_path / "home"
    home.mkdir()
    os.chown(home, MALLORY, MALLORY)
    (tmp_path / "shadow").write_text("secret")
    (home / "mine").hardlink_to(tmp_path / "shadow")
    with pytest.raises(ModuleFailed, match="hard links"):
        make_context().chown(str(home / "mine"), str(MALLORY), None)
    assert (tmp_path / "shadow").stat().st_uid == 0


@pytest.mark.parametrize("kind", ["fifo", "socket", "directory"])
def test_what_is_no_regular_file_is_not_replaced(tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x"
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "directory":
        path.mkdir()
    else:
        monkeypatch.chdir(tmp_path)
        with socket.socket(socket.AF_UNIX) as server:
            server.bind("x")
    with pytest.raises(ModuleFailed, match=f"is a {kind}, not a regular file"):
        put(path)


def test_a_bind_mounted_file_says_what_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def busy(*args: object, **more: object) -> None:
        raise OSError(16, "Device or resource busy")

    monkeypatch.setattr(os, "rename", busy)
    with pytest.raises(ModuleFailed, match="is a mount point"):
        put(tmp_path / "hosts")
    assert os.listdir(tmp_path) == []


def test_a_chain_of_links_without_end_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    with pytest.raises(OSError, match="Too many levels"):
        put(tmp_path / "a")


def test_removing_never_follows_links(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "file").write_text("x")
    tree = tmp_path / "tree"
    (tree / "sub").mkdir(parents=True)
    (tree / "sub" / "link").symlink_to(tmp_path / "kept")
    remove(str(tree), recursive=True)
    assert sorted(os.listdir(tmp_path)) == ["kept"]
    assert (tmp_path / "kept" / "file").exists()
    remove(str(tmp_path / "not" / "there"), recursive=True)


def test_a_full_directory_is_only_removed_when_asked_for(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "f").write_text("x")
    with pytest.raises(OSError, match="not empty"):
        remove(str(tmp_path / "d"), recursive=False)


def test_a_link_replaces_a_link_in_one_step_but_no_directory(tmp_path: Path) -> None:
    ctx = make_context()
    ctx.symlink("one", str(tmp_path / "l"))
    ctx.symlink("two", str(tmp_path / "l"))
    assert os.readlink(tmp_path / "l") == "two"
    (tmp_path / "d").mkdir()
    with pytest.raises(ModuleFailed, match="is a directory"):
        ctx.symlink("x", str(tmp_path / "d"))
    assert sorted(os.listdir(tmp_path)) == ["d", "l"]


MODES = [
    ("0644", 0o777, 0o644), ("u=rwX,go=rX", 0o600, 0o644), ("u=rwX,go=rX", 0o700, 0o755), ("+x", 0o644, 0o755),
    ("a-w", 0o666, 0o444), ("g=u", 0o640, 0o660), ("u+s", 0o755, 0o4755), ("o+t", 0o777, 0o1777), ("=r", 0o777, 0o444),
    ("u+r-x", 0o300, 0o600), ("go=", 0o777, 0o700), ("g+s,o-rwx", 0o755, 0o2750),
]  # fmt: skip


@pytest.mark.parametrize(("mode", "old", "expected"), MODES)
def test_symbolic_modes_as_chmod_has_them(mode: str, old: int, expected: int) -> None:
    assert mode_bits(mode, old, is_directory=False) == expected


CLAUSES = st.tuples(st.text("ugoa", max_size=2), st.sampled_from("+-="), st.text("rwxXst", max_size=3))


@settings(max_examples=60, deadline=None)  # each starts a chmod
@given(st.lists(CLAUSES, min_size=1, max_size=3), st.integers(0, 0o7777), st.booleans())
def test_symbolic_modes_agree_with_chmod(clauses: list[tuple[str, str, str]], old: int, directory: bool) -> None:
    mode = ",".join("".join(clause) for clause in clauses)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "x")
        if directory:
            os.mkdir(path)
        else:
            Path(path).touch()
        os.chmod(path, old)
        subprocess.run(["chmod", "--", mode, path], check=True, umask=0o022, capture_output=True)
        expected = stat.S_IMODE(os.lstat(path).st_mode)
        os.chmod(path, 0o700)
    assert mode_bits(mode, old, is_directory=directory) == expected, mode


def test_unknown_users_and_groups_are_named() -> None:
    with pytest.raises(ModuleFailed, match="no user `nobody-here`"):
        files.owner_of("nobody-here", None)
    with pytest.raises(ModuleFailed, match="no group `nothing`"):
        files.owner_of(None, "nothing")
    assert files.owner_of("0", "12") == Owner(0, 12)
