"""The playbook of docs/machines.md, as a person runs it, with moto as EC2."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from provisioner.cli.main import main
from provisioner.testing.aws import Aws

PAGE = Path(__file__).parents[3] / "docs" / "machines.md"
REGION = "eu-central-1"
SECOND = """- hosts: web
  connection: local
  gather_facts: false
  tasks:
    - debug: {msg: "met {{ inventory_hostname }} at {{ ansible_host }}"}
"""


@pytest.fixture
def playbook(aws: Aws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PROVISION_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("AWS_ENDPOINT_URL", aws.url)
    text = PAGE.read_text(encoding="utf-8").partition("## Machines by tasks")[2]
    found = re.search(r"```yaml\n(.*?)```", text, re.DOTALL)
    assert found
    first, _, _ = found[1].partition("- hosts: web")
    (tmp_path / "tasks.yml").write_text(first + SECOND)
    return "tasks.yml"


def test_a_machine_is_made_and_met_in_the_next_play(
        aws: Aws, playbook: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", playbook]) == 0, capsys.readouterr()
    assert aws.backend(REGION).all_instances() == []
    assert main(["apply", playbook]) == 0, capsys.readouterr()
    (instance,) = aws.backend(REGION).all_instances()
    out = capsys.readouterr().out
    assert f"met {instance.id} at {instance.private_ip}" in out
    assert main(["apply", playbook]) == 0
    assert re.search(r"localhost +: ok=3 +changed=1 ", capsys.readouterr().out), "only `add_host`, as in each run"
