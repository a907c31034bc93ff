from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from provisioner.diag import ProvisionError
from provisioner.enrol.store import Enrolled, SiteStore
from provisioner.enrol.throwaway import Expected

WEB = Enrolled("web-1", "@cert-authority i-1 ssh-ed25519 AAAA", "ssh-ed25519 BBBB", 2_000_000_000.0)


def test_what_is_kept_is_there_for_the_next_process(tmp_path: Path) -> None:
    SiteStore(tmp_path).keep("i-1", WEB)
    assert SiteStore(tmp_path).enrolled("i-1") == WEB
    assert SiteStore(tmp_path).enrolled("i-2") is None


def test_known_hosts_is_what_was_kept(tmp_path: Path) -> None:
    store = SiteStore(tmp_path)
    store.keep("i-1", WEB)
    store.keep("i-2", replace(WEB, line="@cert-authority i-2 ssh-ed25519 AAAA"))
    assert store.known_hosts.read_text().splitlines()[1:] == [
        "@cert-authority i-1 ssh-ed25519 AAAA", "@cert-authority i-2 ssh-ed25519 AAAA"]
    store.forget("i-1", "web-1")
    assert store.known_hosts.read_text().splitlines()[1:] == ["@cert-authority i-2 ssh-ed25519 AAAA"]


def test_a_throw_away_key_is_believed_until_the_machine_has_its_own(tmp_path: Path) -> None:
    store, expected = SiteStore(tmp_path), Expected("ssh-ed25519 CCCC", 1000.0)
    store.expect("web-1", 2, expected)
    store.expect("web-2", 1, expected)
    assert store.expected("web-1", 2) == expected
    assert store.expected("web-1", 1) is None
    store.keep("i-1", WEB)
    assert store.expected("web-1", 2) is None
    assert store.expected("web-2", 1) == expected
    store.forget("i-2", "web-2")
    assert store.expected("web-2", 1) is None


@pytest.mark.parametrize(("text", "said"), [("{", "damaged"), ('{"schema": 99}', "another version")])
def test_a_file_that_is_not_understood_is_an_error(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "machines.json").write_text(text)
    with pytest.raises(ProvisionError, match=said):
        SiteStore(tmp_path).enrolled("i-1")
