from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from provisioner.cli.lab import lab as command
from provisioner.diag import LabError, UsageError
from provisioner.lab import Lab, LabHost


def test_list_says_that_there_are_none(tmp_path: Path) -> None:
    result = CliRunner().invoke(command, ["--state-dir", str(tmp_path), "list"])
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "no lab hosts\n")


def test_list_json_is_an_array_even_when_empty(tmp_path: Path) -> None:
    result = CliRunner().invoke(command, ["--state-dir", str(tmp_path), "list", "--json"])
    assert json.loads(result.stdout) == []


@pytest.mark.parametrize("arguments", [["down"], ["down", "web", "--all"]])
def test_down_wants_names_or_all(tmp_path: Path, arguments: list[str]) -> None:
    result = CliRunner().invoke(command, ["--state-dir", str(tmp_path), *arguments])
    assert isinstance(result.exception, UsageError)


def test_ssh_to_a_host_that_is_not_there_says_so(tmp_path: Path) -> None:
    result = CliRunner().invoke(command, ["--state-dir", str(tmp_path), "ssh", "web"])
    assert isinstance(result.exception, LabError)


def test_up_list_and_down_of_a_host(lab: Lab, tmp_path: Path) -> None:
    def run(*arguments: str) -> str:
        result = CliRunner().invoke(command, ["--state-dir", str(tmp_path), *arguments], catch_exceptions=False)
        assert result.exit_code == 0
        return result.stdout

    assert lab.requirements() == []
    assert f"inventory: {tmp_path}/lab/inventory.yml\n" in run("up", "cli-web")
    try:
        (row,) = json.loads(run("list", "--json"))
        assert (row["name"], row["state"], row["release"]) == ("cli-web", "running", "bookworm")
    finally:
        run("down", "cli-web")
    assert not (tmp_path / "lab").exists()


def test_a_host_that_is_off_is_listed_as_off(lab_host: LabHost, lab: Lab, tmp_path: Path) -> None:
    lab_host.kill()
    (tmp_path / "lab").symlink_to(lab.state_dir)
    result = CliRunner().invoke(command, ["--state-dir", str(tmp_path), "list"])
    assert f"{lab_host.name}\t{lab_host.address}\toff\tbookworm" in result.stdout
