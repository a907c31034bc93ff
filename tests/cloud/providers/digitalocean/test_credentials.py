"""Where a token comes from."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from provisioner.cloud.errors import CloudError, NotAllowed
from provisioner.cloud.model import Place
from provisioner.cloud.providers.digitalocean import open as open_place
from provisioner.cloud.providers.digitalocean.credentials import end_point, token

HERE = Place("digitalocean", "fra1")
WORK = Place("digitalocean", "fra1", profile="work")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "doctl").mkdir()
    (tmp_path / "doctl/config.yaml").write_text(
        "access-token: first\nauth-contexts:\n  work: second\n  home: third\ncontext: default\noutput: text\n")
    return tmp_path


@pytest.mark.parametrize(("place", "environ", "expected"), [
    (HERE, {"DIGITALOCEAN_TOKEN": "a", "DIGITALOCEAN_ACCESS_TOKEN": "b"}, "a"),
    (HERE, {"DIGITALOCEAN_ACCESS_TOKEN": "b\n"}, "b"),
    (HERE, {"DIGITALOCEAN_TOKEN": ""}, "first"),
    (WORK, {"DIGITALOCEAN_TOKEN": "a"}, "second"),
])
def test_the_environment_comes_first_and_a_profile_is_a_context_of_doctl(
        place: Place, environ: dict[str, str], expected: str, home: Path) -> None:
    assert token(place, {**environ, "XDG_CONFIG_HOME": str(home)}).reveal() == expected


def test_doctls_current_context_counts(home: Path) -> None:
    config = home / "doctl/config.yaml"
    config.write_text(config.read_text().replace("context: default", "context: home"))
    assert token(HERE, {"XDG_CONFIG_HOME": str(home)}).reveal() == "third"


def test_without_a_token_both_ways_to_give_one_are_named(tmp_path: Path) -> None:
    with pytest.raises(NotAllowed, match="DIGITALOCEAN_TOKEN and DIGITALOCEAN_ACCESS_TOKEN are not set"):
        token(HERE, {"XDG_CONFIG_HOME": str(tmp_path)})
    with pytest.raises(NotAllowed, match="doctl has no context 'work'") as caught:
        token(WORK, {"XDG_CONFIG_HOME": str(tmp_path)})
    assert caught.value.hint == "doctl auth init --context work"


@pytest.mark.parametrize("text", ["access-token: [dop_v1_canary", "- dop_v1_canary", "auth-contexts: dop_v1_canary"])
def test_a_broken_file_of_doctl_is_named_and_not_shown(home: Path, text: str) -> None:
    (home / "doctl/config.yaml").write_text(text)
    with pytest.raises(NotAllowed, match=r"doctl/config\.yaml is not what doctl writes") as caught:
        token(HERE, {"XDG_CONFIG_HOME": str(home)})
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize(("endpoint", "environ", "expected"), [
    ("", {}, "https://api.digitalocean.com/v2/"),
    ("", {"DIGITALOCEAN_END_POINT": "https://proxy.example/v2"}, "https://proxy.example/v2/"),
    ("http://127.0.0.1:8080/v2/", {"DIGITALOCEAN_END_POINT": "https://proxy.example/v2"}, "http://127.0.0.1:8080/v2/"),
])
def test_the_address_is_the_places_then_the_environments_then_the_real_one(
        endpoint: str, environ: dict[str, str], expected: str) -> None:
    assert end_point(Place("digitalocean", "fra1", endpoint=endpoint), environ) == expected


@pytest.mark.parametrize("url", ["http://api.digitalocean.com/v2/", "http://127.0.0.1.example/v2/", "ftp://x/"])
def test_a_token_goes_nowhere_unencrypted(url: str) -> None:
    with pytest.raises(NotAllowed, match="unencrypted"):
        end_point(Place("digitalocean", "fra1", endpoint=url), {})


def test_a_library_that_is_not_installed_is_told_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("provisioner.cloud.providers.digitalocean.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delattr("provisioner.cloud.providers.digitalocean.api", raising=False)
    monkeypatch.setitem(sys.modules, "digitalocean", None)
    with pytest.raises(CloudError, match="need python-digitalocean") as caught:
        open_place(HERE)
    assert caught.value.hint == "pip install 'provision[digitalocean]'"
