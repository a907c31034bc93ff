"""The keyword table against the numbers of ansible-core 2.19."""

from __future__ import annotations

import pytest

from provisioner.lang.keywords import KEYWORDS, Merge, Place, Shape, names_on

OURS = {"machines", "site"}


@pytest.mark.parametrize(("place", "count"), [
    # A task has `with_*` besides, which is no name of its own.
    (Place.PLAY, 41), (Place.BLOCK, 31), (Place.TASK, 41), (Place.HANDLER, 42), (Place.ROLE, 28),
])
def test_the_keywords_are_all_there(place: Place, count: int) -> None:
    assert len(set(names_on(place)) - OURS) == count


def test_what_is_merged_stands_on_more_than_one_thing() -> None:
    for keyword in KEYWORDS.values():
        if keyword.merge is not Merge.OWN:
            assert len(keyword.on) > 1, keyword.name


def test_conditions_are_read_as_conditions() -> None:
    named = {name for name, keyword in KEYWORDS.items() if keyword.shape is Shape.CONDITIONS}
    assert named == {"when", "changed_when", "failed_when", "until"}
