"""What a release is, and what prevents it."""

from __future__ import annotations

import pytest

from provisioner.nextjs.detect import App
from provisioner.nextjs.findings import verdict
from provisioner.nextjs.modes import decided, mode_findings
from provisioner.nextjs.settings import read_settings


def problems(config: str, mode: str = "auto", version: str = "16.4.5", output: str | None = None) -> list[str]:
    app = App(version, output=output)
    settings = decided(read_settings({"name": "shop", "source": "s", "mode": mode}), app)
    told = verdict(mode_findings({"next.config.js": config}, app, settings), builds=True)
    return [*(f"error: {text}" for text in told.errors), *told.warnings]


@pytest.mark.parametrize(("mode", "output", "expected"), [
    ("auto", None, "server"), ("auto", "standalone", "standalone"), ("server", "standalone", "server"),
    ("standalone", None, "standalone"),
])  # fmt: skip
def test_the_app_decides_where_the_settings_do_not(mode: str, output: str | None, expected: str) -> None:
    settings = read_settings({"name": "shop", "source": "s", "mode": mode})
    found = decided(settings, App("16.4.5", output=output, path="apps/web"))
    assert (found.mode, found.app) == (expected, "apps/web")


def test_an_exported_app_has_no_use_for_what_a_server_has() -> None:
    args = {"cron": [{"name": "x", "schedule": "daily", "path": "/x"}], "credentials": {"a": "b"}}
    settings = decided(read_settings({"name": "shop", "source": "s", **args}), App("16.4.5", output="export"))
    told = " ".join(str(finding) for finding in mode_findings({"next.config.js": ""}, App("16.4.5"), settings))
    assert "`cron` is for apps with a server" in told
    assert "`credentials` are for the app's service" in told


def test_what_is_possible_is_not_talked_about() -> None:
    assert problems("", "standalone") == []
    assert problems("", "auto", output="standalone") == []
    assert problems("", "standalone", version="12.2.0") == []
    assert problems("", "server", version="12.1.6") == []


@pytest.mark.parametrize(("mode", "version", "output", "words"), [
    ("standalone", "12.1.6", None, "error: `mode: standalone` needs Next.js 12.2, and this is 12.1.6"),
    ("standalone", "16.4.5", "export", "nothing for `mode: standalone` to start"),
    ("server", "16.4.5", "standalone", "is not used with `mode: server`"),
])  # fmt: skip
def test_what_prevents_a_mode_is_named(mode: str, version: str, output: str | None, words: str) -> None:
    (problem,) = problems("", mode, version, output)
    assert words in problem


def test_an_output_that_depends_is_a_warning() -> None:
    (problem,) = problems("x = { output: process.env.X ? 'export' : undefined }")
    assert not problem.startswith("error")
    assert "under some condition (process.env.X ? 'export' : undefined" in problem
