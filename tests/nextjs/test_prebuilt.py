"""Builds that were made elsewhere: what they are, and which are refused."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest

from provisioner.diag import ProvisionError
from provisioner.nextjs.prebuilt import inspect, open_artifact
from provisioner.nextjs.preflight import of_build
from provisioner.nextjs.settings import Artifact, read_settings
from provisioner.nextjs.source import opened
from provisioner.remote.spec import ArgumentError

BUILT = {
    "package.json": '{"dependencies": {"next": "16"}, "engines": {"node": ">=20"}}', ".next/BUILD_ID": "b1\n",
    ".next/static/chunks/a.js": "a", ".next/routes-manifest.json": '{"basePath": "/shop"}',
    ".next/required-server-files.json": '{"config": {"deploymentId": "d1"}}',
}  # fmt: skip
NEXT = '{"version": "16.4.5"}'
SERVER = {**BUILT, "node_modules/next/package.json": NEXT, "node_modules/next/dist/bin/next": "run"}
STANDALONE = {**BUILT, ".next/standalone/server.js": "s", ".next/standalone/node_modules/next/package.json": NEXT}
ASSEMBLED = {**BUILT, "server.js": "s", "node_modules/next/package.json": NEXT}


def make(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o644)
    return root


@pytest.mark.parametrize(("files", "shape", "mode"), [
    (SERVER, "server", "server"), (STANDALONE, "standalone", "standalone"), (ASSEMBLED, "assembled", "standalone"),
])  # fmt: skip
def test_what_a_build_is_is_seen_from_its_files(tmp_path: Path, files: dict[str, str], shape: str, mode: str) -> None:
    found = inspect(make(tmp_path, files))
    assert (found.shape, found.mode, found.problems) == (shape, mode, ())
    assert found.about() == {
        "build_id": "b1", "next": "16.4.5", "base_path": "/shop", "app": "", "mode": mode, "deployment_id": "d1",
    }  # fmt: skip


@pytest.mark.parametrize(("files", "words"), [
    ({"readme": "x"}, "is no app"),
    ({"package.json": "{}"}, "no .next/BUILD_ID, so there is no build in it"),
    (BUILT, "has neither node_modules/next nor a standalone server"),
    ({name: text for name, text in ASSEMBLED.items() if "static" not in name}, "has no .next/static"),
])  # fmt: skip
def test_what_is_no_whole_build_is_refused_in_words(tmp_path: Path, files: dict[str, str], words: str) -> None:
    assert words in " ".join(inspect(make(tmp_path, files)).problems)


def test_files_that_the_app_could_not_read_are_told(tmp_path: Path) -> None:
    root = make(tmp_path / "app", SERVER)
    (root / "package.json").chmod(0o600)
    assert "1 files of" in " ".join(open_artifact(root, "", tmp_path)[2].problems)


def test_an_archive_is_unpacked_once_and_named_by_its_content(tmp_path: Path) -> None:
    root = make(tmp_path / "app", SERVER)
    (root / "package.json").chmod(0o600)
    packed = tmp_path / "app.tar.gz"
    with tarfile.open(packed, "w:gz") as archive:
        archive.add(root, ".")
    with opened(Artifact("app.tar.gz"), [str(tmp_path)], (), tmp_path / "cache") as tree:
        assert tree.prebuilt is not None
        assert (tree.prebuilt.build_id, tree.prebuilt.problems) == ("b1", ())
        assert list(tree.texts()) == ["package.json"]
        assert (tree.root / "package.json").stat().st_mode & 0o777 == 0o644
        (tree.root / "marker").touch()
    with opened(Artifact("app.tar.gz"), [str(tmp_path)], (), tmp_path / "cache") as again:
        assert (again.root / "marker").is_file()
        assert again.digest == tree.digest


def test_an_archive_that_is_cut_off_or_leads_outside_is_refused(tmp_path: Path) -> None:
    packed = tmp_path / "app.tar.gz"
    with tarfile.open(packed, "w:gz") as archive:
        archive.add(make(tmp_path / "app", SERVER), ".")
    packed.write_bytes(packed.read_bytes()[:150])
    with pytest.raises(ProvisionError, match="can't be unpacked"):
        open_artifact(packed, "", tmp_path / "cache")
    with tarfile.open(packed, "w:gz") as archive:
        archive.addfile(tarfile.TarInfo("../outside"))
    with pytest.raises(ProvisionError, match="can't be unpacked"):
        open_artifact(packed, "", tmp_path / "cache")
    assert not (tmp_path / "outside").exists()
    assert not any(path.is_dir() for path in (tmp_path / "cache/artifacts").iterdir())


def test_the_preflight_judges_a_build_by_what_it_is(tmp_path: Path) -> None:
    def findings(files: dict[str, str], **args: object) -> list[str]:
        app = inspect(make(tmp_path, files)).app_itself()
        settings = read_settings({"name": "a", "source": {"artifact": "x"}, **args})
        return [str(found) for found in of_build({"package.json": files["package.json"]}, app, settings)]

    assert findings(SERVER, mode="server") == []
    assert "is a server build" in findings(SERVER, mode="standalone")[0]
    assert "needs Node.js 20.9" in findings(SERVER, mode="server", node="18")[0]
    assert "NEXT_PUBLIC_X in `env` changes nothing" in findings(SERVER, mode="server", env={"NEXT_PUBLIC_X": "1"})[0]


def test_a_source_is_one_thing() -> None:
    assert read_settings({"name": "a", "source": {"artifact": "b.tar.gz"}}).source == Artifact("b.tar.gz")
    for wrong in ({}, {"artifact": "x", "git": {"repo": "y"}}):
        with pytest.raises(ArgumentError, match="one of `git` and `artifact`"):
            read_settings({"name": "a", "source": wrong})
