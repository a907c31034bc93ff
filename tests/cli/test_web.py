from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from urllib.request import HTTPCookieProcessor, build_opener

import pytest

from provisioner.cli.main import main
from tests.history.recording import record, run_of


def test_it_tells_its_address_and_shows_the_runs(tmp_path: Path) -> None:
    record(tmp_path / "history.db", run_of("abcdef"))
    command = [sys.executable, "-m", "provisioner.cli", "web", "--listen", "127.0.0.1:0", "--state-dir", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        try:
            address = process.stdout.readline().strip()
            assert address.startswith("http://127.0.0.1:")
            with build_opener(HTTPCookieProcessor()).open(address, timeout=120) as answer:
                assert b"abcdef" in answer.read()
        finally:
            process.terminate()
        assert process.stderr.read() == ""


def test_an_export_needs_a_record(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["web", "--export", str(tmp_path / "site"), "--state-dir", str(tmp_path)]) == 5
    assert "no run was recorded" in capsys.readouterr().err
    record(tmp_path / "history.db", run_of("abcdef"))
    assert main(["web", "--export", str(tmp_path / "site"), "--state-dir", str(tmp_path)]) == 0
    assert (tmp_path / "site" / "runs" / "abcdef.html").is_file()


@pytest.mark.parametrize(("listen", "told"), [("nowhere", "no address"), ("127.0.0.1:x", "no port"),
                                              ("127.0.0.1:99999", "no port"), ("example.com:80", "no address")])
def test_an_address_that_is_none_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str], listen: str,
                                            told: str) -> None:
    assert main(["web", "--listen", listen, "--state-dir", str(tmp_path)]) == 5
    assert told in capsys.readouterr().err


def test_a_token_that_can_be_guessed_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str],
                                                monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROVISION_WEB_TOKEN", "secret")
    assert main(["web", "--state-dir", str(tmp_path)]) == 5
    assert "shorter than 16" in capsys.readouterr().err


def test_help_loads_neither_server_nor_templates() -> None:
    program = ("import sys; from provisioner.cli.main import main; main(['web', '--help'])\n"
               "assert not {'werkzeug', 'jinja2'} & set(sys.modules)")  # fmt: skip
    subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)
