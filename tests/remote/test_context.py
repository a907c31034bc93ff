import hashlib
import io
import os
from pathlib import Path

import pytest

from provisioner.messages import Content
from provisioner.remote.sdk import ModuleFailed, WriteInCheckMode
from provisioner.testing.inprocess import make_context

WRITERS = [
    ("run", (["true"],)), ("write", ("/x", b"")), ("write_from", ("/x", io.BytesIO())), ("mkdir", ("/x",)),
    ("symlink", ("a", "/x")), ("hardlink", ("/a", "/x")), ("rename", ("/a", "/x")), ("remove", ("/x",)),
    ("chmod", ("/x", "0644")), ("chown", ("/x", "root", None)), ("utime", ("/x",)),
]  # fmt: skip


@pytest.mark.parametrize(("writer", "arguments"), WRITERS, ids=[name for name, _ in WRITERS])
def test_every_writer_raises_in_check_mode(writer: str, arguments: tuple[object, ...]) -> None:
    with pytest.raises(WriteInCheckMode):
        getattr(make_context(check=True), writer)(*arguments)


def test_reading_what_is_not_there_is_none(tmp_path: Path) -> None:
    ctx, path = make_context(), str(tmp_path / "no" / "such")
    assert [ctx.read(path), ctx.read_text(path), ctx.sha256(path), ctx.stat(path)] == [None] * 4
    assert ctx.listdir(path) == []


def test_a_fifo_is_not_read_and_does_not_block(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(ModuleFailed, match="is a fifo"):
        make_context().read(str(tmp_path / "fifo"))


def test_a_file_over_the_limit_is_refused(tmp_path: Path) -> None:
    (tmp_path / "big").write_bytes(b"x" * 11)
    with pytest.raises(ModuleFailed, match="larger than 10 bytes"):
        make_context().read(str(tmp_path / "big"), limit=10)


def test_digests(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"data")
    ctx = make_context()
    assert ctx.sha256(str(tmp_path / "f")) == hashlib.sha256(b"data").hexdigest()
    assert ctx.digest(str(tmp_path / "f"), "md5") == hashlib.md5(b"data").hexdigest()
    with pytest.raises(ModuleFailed, match="no checksum called `crc`"):
        ctx.digest(str(tmp_path / "f"), "crc")


def test_stat_tells_a_link_from_what_it_leads_to(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("12345")
    (tmp_path / "f").chmod(0o640)
    (tmp_path / "l").symlink_to("f")
    ctx = make_context()
    link, target = ctx.stat(str(tmp_path / "l")), ctx.stat(str(tmp_path / "l"), follow=True)
    assert link is not None
    assert target is not None
    assert (link.kind, link.target) == ("link", "f")
    assert (target.kind, target.mode, target.size, target.target) == ("file", "0640", 5, None)


def test_paths_are_expanded_against_home_and_the_tasks_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    ctx = make_context(home=tmp_path, env={"WHERE": "there"})
    assert ctx.expand("~/x") == f"{tmp_path}/x"
    assert ctx.expand("a/../$WHERE/${WHERE}") == f"{tmp_path}/there/there"
    assert ctx.expand("/etc/$UNKNOWN_NAME") == "/etc/$UNKNOWN_NAME"
    assert ctx.expand("/dir/") == "/dir/"
    assert ctx.expand("~root") == "/root"


def test_directories_are_made_with_their_parents_and_mode(tmp_path: Path) -> None:
    ctx = make_context()
    ctx.mkdir(str(tmp_path / "a" / "b"), mode="0750", parents=True)
    assert [oct((tmp_path / part).stat().st_mode & 0o7777) for part in ("a", "a/b")] == ["0o750", "0o750"]
    with pytest.raises(FileNotFoundError):
        ctx.mkdir(str(tmp_path / "c" / "d"))


def test_times_are_set_one_by_one(tmp_path: Path) -> None:
    (tmp_path / "f").touch()
    make_context().utime(str(tmp_path / "f"), mtime=5.5)
    assert (tmp_path / "f").stat().st_mtime == 5.5
    assert (tmp_path / "f").stat().st_atime > 10


def test_both_times_become_the_present_one_without_being_given(tmp_path: Path) -> None:
    (tmp_path / "f").touch()
    os.utime(tmp_path / "f", (5, 5))
    make_context().utime(str(tmp_path / "f"))
    assert min((tmp_path / "f").stat().st_atime, (tmp_path / "f").stat().st_mtime) > 10


def test_links_and_renames_replace_in_one_step(tmp_path: Path) -> None:
    ctx, f, g = make_context(), str(tmp_path / "f"), str(tmp_path / "g")
    ctx.write(f, b"f")
    ctx.write(g, b"g")
    ctx.hardlink(f, g)
    assert os.path.samefile(f, g)
    ctx.hardlink(f, g)
    ctx.write(g, b"new")
    ctx.rename(g, f)
    assert Path(f).read_bytes() == b"new"
    assert os.listdir(tmp_path) == ["f"]


def test_a_temporary_directory_is_private_and_goes_with_the_task() -> None:
    ctx = make_context(check=True)
    path = ctx.tempdir()
    assert os.stat(path).st_mode & 0o777 == 0o700
    Path(path, "f").write_text("x")
    ctx.close()
    assert not os.path.exists(path)


def test_a_failed_program_tells_what_it_said() -> None:
    with pytest.raises(ModuleFailed, match="`sh -c echo why >&2; exit 3` failed: exit status 3: why") as failed:
        make_context().run(["sh", "-c", "echo why >&2; exit 3"], check=True)
    assert failed.value.data["rc"] == 3


def test_a_nul_in_an_argument_is_refused() -> None:
    with pytest.raises(ModuleFailed, match="NUL"):
        make_context().run(["echo", "a\0b"])


def test_live_output_is_whole_lines_and_complete() -> None:
    live: list[tuple[str, bytes]] = []
    make_context(live=live).run(["sh", "-c", "printf 'a\\nb'; sleep 0.2; printf 'c\\nd'; echo e >&2"], live=True)
    assert b"".join(data for stream, data in live if stream == "stdout") == b"a\nbc\nd"
    assert all(data.endswith(b"\n") for _, data in live[:-2])
    assert ("stderr", b"e\n") in live


def test_contents_and_sending() -> None:
    data, sent = b"content", io.BytesIO()
    content = Content(hashlib.sha256(data).hexdigest(), len(data), data)
    ctx = make_context(contents=[content], sent=sent)
    assert ctx.content(content.reference()) == data
    with ctx.content_file(content.reference()) as file:
        assert ctx.send(file) == 7
    assert sent.getvalue() == data


def test_predictions_are_for_check_mode_alone() -> None:
    predicted = {"user": {"app": {"uid": 5}}}
    assert make_context(check=True, predicted=predicted).predicted("user", "app") == {"uid": 5}
    assert make_context(check=True, predicted=predicted).predicted("user", "x") is None
    assert make_context(predicted=predicted).predicted("user", "app") is None
