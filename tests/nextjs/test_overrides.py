"""Variables that are set by hand win, and secret ones are never among those that may be shown."""

from __future__ import annotations

from provisioner.remote.nextjs.overrides import Overrides

BY_HAND = Overrides({"LOG": "debug"}, {"KEY": "hidden"})


def test_what_is_set_by_hand_wins_over_what_the_playbook_says() -> None:
    assert BY_HAND.over({"LOG": "info", "OTHER": "x"}) == {"LOG": "debug", "OTHER": "x", "KEY": "hidden"}


def test_a_variable_that_is_secret_by_hand_is_not_shown_though_the_playbooks_value_may_be() -> None:
    assert BY_HAND.shown({"LOG": "info", "KEY": "plain"}) == {"LOG": "debug"}


def test_names_are_told_sorted() -> None:
    assert BY_HAND.names == ["KEY", "LOG"]
