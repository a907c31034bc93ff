from __future__ import annotations

import pytest

from provisioner.lab.mirror import find_mirrors

ONE_LINE = """
# deb http://old.example/debian bookworm main
deb [arch=amd64 signed-by=/x.gpg] https://mirror.example/debian bookworm main contrib
deb https://mirror.example/debian bookworm-updates main
deb https://secure.example/debian-security/ bookworm-security main
deb https://vendor.example/apt some-tool main
"""
PARAGRAPHS = """
Types: deb
# http://frozen.example/archive/debian/20250520T000000Z
URIs: http://mirror.example/debian
Suites: trixie trixie-updates
Components: main

Types: deb
URIs: http://mirror.example/debian-security
Suites: trixie-security
Components: main
"""


@pytest.mark.parametrize(
    ("text", "main", "security"),
    [
        pytest.param(ONE_LINE, "https://mirror.example/debian", "https://secure.example/debian-security", id="list"),
        pytest.param(PARAGRAPHS, "http://mirror.example/debian", "http://mirror.example/debian-security", id="deb822"),
    ],
)
def test_the_mirrors_of_this_machine_are_found_in_either_format(text: str, main: str, security: str) -> None:
    assert find_mirrors([text]) == {"debian": main, "debian-security": security}


@pytest.mark.parametrize(
    "text",
    [
        "deb https://mirror.example/ubuntu noble main\n",
        "deb https://vendor.example/debian some-tool main\n",
        PARAGRAPHS.replace("Types: deb", "Enabled: no\nTypes: deb"),
    ],
    ids=["another distribution", "a vendor's archive", "switched off"],
)
def test_what_is_not_debians_archive_is_not_used(text: str) -> None:
    assert find_mirrors([text]) == {}
