"""What a unit gives to its process, read back from its text."""

from __future__ import annotations

from pathlib import Path

from provisioner.remote.nextjs import envfile
from provisioner.remote.nextjs.deployed import surroundings
from provisioner.testing.inprocess import make_context

UNIT = """\
[Service]
User=shop
WorkingDirectory=/srv/shop/slots/a
Environment=NODE_ENV=production NEXT_TELEMETRY_DISABLED=1
Environment=PATH=/opt/node/22.1.0/bin:/usr/bin
EnvironmentFile=%s
ExecStart=/opt/node/22.1.0/bin/node server.js
"""


def test_variables_of_the_unit_and_of_its_env_file_are_found(tmp_path: Path) -> None:
    file = tmp_path / "a.env"
    file.write_text(envfile.render({"WORDS": 'two "words"\n$5', "NODE_ENV": "test"}))
    found = surroundings(make_context(), UNIT % file)
    assert (found.user, found.folder) == ("shop", "/srv/shop/slots/a")
    assert found.environment == {
        "NODE_ENV": "test", "NEXT_TELEMETRY_DISABLED": "1", "PATH": "/opt/node/22.1.0/bin:/usr/bin",
        "WORDS": 'two "words"\n$5'}  # fmt: skip


def test_a_unit_whose_env_file_is_gone_has_its_own_variables_only(tmp_path: Path) -> None:
    assert "NODE_ENV" in surroundings(make_context(), UNIT % (tmp_path / "gone")).environment
