from __future__ import annotations

import hashlib
import json
import zlib
from pathlib import Path

import pytest

from provisioner.remote import packing, wire
from provisioner.transport import bundle as bundle_module
from provisioner.transport.bundle import Bundle, load_bundle, pack, read_sources


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return load_bundle(tmp_path_factory.mktemp("cache"))


@pytest.fixture
def few_sources(monkeypatch: pytest.MonkeyPatch) -> None:
    """The core and one module: packing all of them takes a while."""
    sources, packages = read_sources()
    wanted = {*packing.CORE, f"{packing.PACKAGE}.stage0", f"{packing.PACKAGE}.modules.ping"}
    few = {name: source for name, source in sources.items() if name in wanted}
    monkeypatch.setattr("provisioner.transport.bundle.read_sources", lambda: (few, packages))


def test_every_module_of_the_package_can_be_sent_and_has_the_checksum_the_core_names(bundle: Bundle) -> None:
    assert bundle.needed("ping")
    for name, sha256 in bundle.core.modules.items():
        frame = bundle.code_frame(name)
        assert frame is not None
        decoder = wire.Decoder()
        decoder.feed(frame)
        sent = next(decoder.frames())
        assert sent.header == {"t": "code", "name": name, "sha256": sha256}
        assert hashlib.sha256(sent.body).hexdigest() == sha256


def test_there_is_no_code_for_what_is_no_module(bundle: Bundle) -> None:
    assert bundle.code_frame("os") is None
    assert bundle.needed("nosuch") == ()


def test_the_packed_core_is_what_its_checksum_says(bundle: Bundle) -> None:
    assert hashlib.sha256(zlib.decompress(bundle.core.packed)).hexdigest() == bundle.core.sha256


@pytest.mark.usefixtures("few_sources")
def test_the_second_load_comes_from_the_cache_and_is_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = load_bundle(tmp_path)
    monkeypatch.setattr(bundle_module, "pack", None)
    assert load_bundle(tmp_path) == first


@pytest.mark.usefixtures("few_sources")
def test_other_sources_have_another_place_in_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = load_bundle(tmp_path)
    sources, packages = bundle_module.read_sources()
    changed = {**sources, "provisioner.remote.modules.ping": sources["provisioner.remote.modules.ping"] + "\n"}
    monkeypatch.setattr("provisioner.transport.bundle.read_sources", lambda: (changed, packages))
    assert load_bundle(tmp_path).core.sha256 != first.core.sha256


@pytest.mark.usefixtures("few_sources")
def test_what_another_packer_made_is_not_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As when the files are those of a newer version already, and this process has loaded the older code."""
    with monkeypatch.context() as then:
        then.setattr(packing, "CORE", (*packing.CORE, f"{packing.PACKAGE}.modules.ping"))
        older = load_bundle(tmp_path)
    assert load_bundle(tmp_path).core.sha256 != older.core.sha256


WRONG = json.dumps({"sha256": 1, "packed": "!", "modules": 1, "needs": {}})


@pytest.mark.usefixtures("few_sources")
@pytest.mark.parametrize("content", ["", "{}", "[1]", WRONG])
def test_a_broken_cache_is_written_anew(tmp_path: Path, content: str) -> None:
    first = load_bundle(tmp_path)
    file = next(tmp_path.iterdir())
    file.write_text(content)
    assert load_bundle(tmp_path) == first
    assert len(file.read_text()) > 1000


@pytest.mark.usefixtures("few_sources")
def test_a_cache_that_others_can_write_is_not_trusted(tmp_path: Path) -> None:
    first = load_bundle(tmp_path)
    file = next(tmp_path.iterdir())
    file.write_text(file.read_text().replace(first.core.sha256, "0" * 64))
    file.chmod(0o666)
    assert load_bundle(tmp_path).core.sha256 == first.core.sha256


@pytest.mark.usefixtures("few_sources")
def test_a_cache_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    sources, packages = bundle_module.read_sources()
    assert load_bundle(tmp_path / "file") == pack(sources, packages)
