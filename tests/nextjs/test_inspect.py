"""What is changed by hand on a real host is found, each by its own finding, and nothing is found otherwise.

`-m slow` has every edit; otherwise one for each kind of finding.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from provisioner.testing.nextjs import CANARY, Site
from provisioner.values import HostName
from tests.nextjs.edits import EDITS, KEEP, PUT_BACK, named

pytestmark = pytest.mark.timeout(1800)  # the first deploy builds, on a machine that may be busy


@pytest.fixture(scope="module")
def app(site: Site) -> Site:
    results, _, _ = site.deploy(hosts=1)
    assert not results[HostName(site.hosts[0].name)].get("failed"), results
    return site


def inspected(site: Site) -> list[dict[str, Any]]:
    result = site.call("nextjs_inspect", name="example")
    assert not result.get("failed"), result
    assert CANARY not in repr(result)
    return list(result["findings"])


def test_an_app_as_it_was_released_gives_no_findings_and_is_left_alone(app: Site) -> None:
    before = app.listing()
    assert inspected(app) == []
    assert app.listing() == before


def one_of_each_kind(edits: Sequence[tuple[str, str, str]]) -> list[object]:
    kinds = [kind for _, kind, _ in edits]
    return [pytest.param(*edit, marks=pytest.mark.slow if edit[1] in kinds[:place] else ())
            for place, edit in enumerate(edits)]  # fmt: skip


@pytest.mark.parametrize(("edit", "kind", "words"), one_of_each_kind(EDITS))
def test_an_edit_by_hand_is_found(app: Site, edit: str, kind: str, words: str) -> None:
    command, back, told = (named(app, text) for text in (edit, PUT_BACK, words))
    app.shell(KEEP)
    try:
        app.shell(command)
        found = inspected(app)
    finally:
        app.shell(back)
    assert [finding for finding in found if finding["kind"] == kind and told in finding["found"]], found
    assert inspected(app) == []
