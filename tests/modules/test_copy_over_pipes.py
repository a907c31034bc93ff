"""A tree through a real runner: contents are asked for by the batch, and only those that are needed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from provisioner.actions import copy
from provisioner.actions.base import HostWork
from provisioner.testing.expanding import expand
from provisioner.testing.pipes import PipeRunner


def work_for(source: Path, dest: Path) -> HostWork:
    work = expand(copy, {"src": f"{source}/", "dest": f"{dest}/"})
    assert isinstance(work, HostWork)
    return work


def test_a_tree_arrives_and_a_second_time_nothing_travels(tmp_path: Path) -> None:
    source, dest = tmp_path / "source", tmp_path / "dest"
    source.mkdir()
    for number in range(200):
        (source / f"f{number}").write_bytes(b"%d\n" % (number % 150) * (1 + number * 7))  # some are twins
    (source / "large").write_bytes(b"x" * 3_000_000)
    work = work_for(source, dest)
    assert all(content.lazy for content in work.contents)
    contents = [replace(content, data=content.path.read_bytes()) for content in work.contents if content.path]
    with PipeRunner() as runner:
        for diff in (True, False):  # with a diff, contents are looked at twice
            result = runner.call("copy", work.args, contents=contents, diff=diff, verify=True)
            assert result["changed"] is diff, result.get("msg")
        arrived, sent = ({path.name: path.read_bytes() for path in folder.iterdir()} for folder in (dest, source))
        assert arrived == sent
        (dest / "f7").write_text("spoilt")
        assert runner.call("copy", work.args, contents=contents)["changed"]
        assert (dest / "f7").read_bytes() == (source / "f7").read_bytes()
        assert runner.call("copy", work.args, contents=[])["changed"] is False
