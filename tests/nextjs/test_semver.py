"""Version ranges of package.json."""

from __future__ import annotations

import pytest

from provisioner.nextjs.semver import allows, intervals


@pytest.mark.parametrize(("text", "version", "allowed"), [
    ("20.9.0", "20.9.0", True), ("20.9.0", "20.9.1", False), ("=20.9.0", "20.9.0", True), ("v20.9.0", "20.9.0", True),
    ("20", "20.19.2", True), ("20.x", "20.0.0", True), ("20.x.x", "21.0.0", False), ("20.9", "20.9.7", True),
    ("20.9", "20.10.0", False), ("*", "1.2.3", True), ("", "1.2.3", True), ("x", "1.2.3", True),
    (">=20.9", "20.9.0", True), (">=20.9", "20.8.9", False), (">= 20.9", "22.0.0", True), (">20", "20.9.0", False),
    (">20", "21.0.0", True), (">20.9.0", "20.9.1", True), ("<22", "21.9.9", True), ("<22", "22.0.0", False),
    ("<=22", "22.9.9", True), ("<=22.1.0", "22.1.1", False),
    ("^20.9.0", "20.99.0", True), ("^20.9.0", "21.0.0", False), ("^20.9.0", "20.8.0", False), ("^0.2.3", "0.2.9", True),
    ("^0.2.3", "0.3.0", False), ("^0.0.3", "0.0.3", True), ("^0.0.3", "0.0.4", False), ("^20", "20.1.0", True),
    ("^0.0", "0.0.7", True), ("^0.0", "0.1.0", False), ("^0", "0.9.9", True), ("^1.x", "1.9.0", True),
    ("~20.9.1", "20.9.5", True), ("~20.9.1", "20.10.0", False), ("~20", "20.9.0", True), ("~>20.9", "20.9.3", True),
    ("18.x || 20.x", "20.1.0", True), ("18.x||>=22", "20.1.0", False),
    ("^18.18.0 || ^19.8.0 || >= 20", "19.7.0", False),
    (">=18.17 <21", "20.19.0", True), (">=18.17 <21", "21.0.0", False), (">= 18 < 21", "17.0.0", False),
    ("18 - 20", "20.9.9", True), ("18.2 - 20.1.0", "20.1.1", False), ("1.2.3 - 2.3.4", "1.2.3", True),
    (">=20.9", "20", True), ("<=20.8", "20", True), (">=21", "20", False), ("^22.12.0", "22", True),
    ("18 || 20", "22", False),
    (">22 <21", "22.0.0", False),
    ("latest", "20.0.0", None), ("lts/*", "20.0.0", None), ("^16.0.0-canary.1", "16.0.0", None),
    ("workspace:*", "1.0.0", None), ("20", "16.0.0-canary.1", None), ("npm:next@15", "15.0.0", None),
    ("20.9.0.1", "20.9.0", None),
])  # fmt: skip
def test_a_range_allows_what_npm_says_it_allows(text: str, version: str, allowed: bool | None) -> None:
    assert allows(text, version) is allowed


def test_a_range_that_allows_nothing_has_no_intervals() -> None:
    assert intervals(">22 <21") == []
