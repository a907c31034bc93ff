"""A repository of git that changes, and what is taken of it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from provisioner.cli.pull import pull, pull_of
from provisioner.diag import ProvisionError, UsageError
from provisioner.pulling import Source, bring_up_to_date, taken
from provisioner.schedule.units import carried_out

PLAY = "- hosts: all\n  gather_facts: false\n  tasks:\n    - copy: {{dest: {place}/{name}, content: x}}\n"


def git(folder: Path, *words: str) -> None:
    who = ("-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "init.defaultBranch=main")
    subprocess.run(["git", *who, *words], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "repository"
    folder.mkdir()
    git(folder, "init")
    commit(folder, "one")
    return folder


def commit(folder: Path, name: str, *options: str) -> None:
    (folder / "site.yml").write_text(PLAY.format(place=folder.parent, name=name))
    git(folder, "add", ".")
    git(folder, *options, "commit", "-m", name, *(["-S"] if options else []))


def signed_by(folder: Path) -> tuple[str, ...]:
    """Options of git by which it signs, with a key whose owner is in `signers`."""
    key = folder / "key"
    if not key.exists():
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
        (folder / "signers").write_text(f"a@example.com {key.with_suffix('.pub').read_text()}")
    return "-c", "gpg.format=ssh", "-c", f"user.signingkey={key}"


def test_the_checkout_becomes_what_the_repository_has_and_nothing_else(tmp_path: Path, repository: Path) -> None:
    source = Source(str(repository), tmp_path / "checkout", "main")
    first = bring_up_to_date(source)
    (source.directory / "left").touch()
    (source.directory / "site.yml").write_text("edited")
    assert bring_up_to_date(source) == first
    assert sorted(path.name for path in source.directory.iterdir()) == [".git", "site.yml"]
    commit(repository, "two")
    assert bring_up_to_date(source) != first
    assert "two" in (source.directory / "site.yml").read_text()


def test_a_fetch_that_fails_leaves_the_checkout_as_it_was(tmp_path: Path, repository: Path) -> None:
    source = Source(str(repository), tmp_path / "checkout")
    bring_up_to_date(source)
    repository.rename(tmp_path / "gone")
    with pytest.raises(ProvisionError, match="repository"):
        bring_up_to_date(source)
    assert (source.directory / "site.yml").exists()


def test_only_signed_commits_count_where_they_have_to_be(tmp_path: Path, repository: Path) -> None:
    options = signed_by(tmp_path)
    source = Source(str(repository), tmp_path / "checkout", verify=True, signers=tmp_path / "signers")
    with pytest.raises(ProvisionError, match="no signature that counts"):
        bring_up_to_date(source)
    assert not (source.directory / "site.yml").exists()
    commit(repository, "two", *options)
    good = bring_up_to_date(source)
    commit(repository, "three")
    with pytest.raises(ProvisionError, match="no signature that counts"):
        bring_up_to_date(source)
    (tmp_path / "key").unlink()
    (tmp_path / "key.pub").unlink()
    kept = (tmp_path / "signers").read_text()
    commit(repository, "four", *signed_by(tmp_path))
    (tmp_path / "signers").write_text(kept)
    with pytest.raises(ProvisionError, match="no signature that counts"):
        bring_up_to_date(source)  # of somebody else
    assert "two" in (source.directory / "site.yml").read_text()
    assert len(good) == 40


def test_an_older_commit_does_not_count_however_well_it_is_signed(tmp_path: Path, repository: Path) -> None:
    options = signed_by(tmp_path)
    source = Source(str(repository), tmp_path / "checkout", verify=True, signers=tmp_path / "signers")
    commit(repository, "two", *options)
    commit(repository, "three", *options)
    bring_up_to_date(source)
    git(repository, "reset", "--hard", "HEAD^")
    with pytest.raises(ProvisionError, match="does not follow"):
        bring_up_to_date(source)


@pytest.mark.parametrize(("url", "branch"), [
    ("ext::sh -c id", ""), ("--upload-pack=id", ""), ("https://a:b@example.com/x.git", ""), ("/x", "--upload-pack=id"),
    ("/x", "+refs/heads/*:refs/heads/*"),
])  # fmt: skip
def test_addresses_that_would_run_something_or_tell_a_password_are_refused(url: str, branch: str,
                                                                           tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        bring_up_to_date(Source(url, tmp_path, branch))


def test_two_at_once_do_not_share_a_checkout(tmp_path: Path) -> None:
    with (taken(tmp_path / "checkout", wait=False),
          pytest.raises(ProvisionError, match="another"), taken(tmp_path / "checkout", wait=False)):  # fmt: skip
        pass


def test_a_timer_finds_the_command_behind_the_address() -> None:
    words = ["--branch", "drift", "--verify-commit", "https://example.com/x.git", "apply", "site.yml", "--yes"]
    typed = pull_of(pull.make_context("pull", words).params).typed()
    assert "--branch=drift" in typed
    assert carried_out(typed) == ("apply", "site.yml", "--yes")
    assert pull_of(pull.make_context("pull", list(typed[1:])).params).typed() == typed


def test_a_host_carries_out_what_its_repository_says_and_finds_what_was_changed_since(tmp_path: Path,
                                                                                      repository: Path) -> None:
    def provision(*words: str) -> subprocess.CompletedProcess[str]:
        homes = {name: str(tmp_path / name) for name in ("XDG_CACHE_HOME", "PROVISION_STATE_DIR")}
        return subprocess.run([sys.executable, "-m", "provisioner", "pull", str(repository), *words], cwd=tmp_path,
                              text=True, capture_output=True, check=False,
                              env={**os.environ, **homes, "PROVISION_HISTORY": "on"})  # fmt: skip

    applied = provision("apply", "site.yml")
    assert applied.returncode == 0, applied.stdout + applied.stderr
    assert (tmp_path / "one").read_text() == "x"
    assert provision("drift", "site.yml").returncode == 0
    (tmp_path / "one").write_text("by hand")
    found = provision("drift", "site.yml")
    assert (found.returncode, "drifted" in found.stdout) == (2, True)
    commit(repository, "two")
    assert "pending" in provision("drift", "site.yml").stdout
    assert provision("destroy", "site.yml").returncode == 5
