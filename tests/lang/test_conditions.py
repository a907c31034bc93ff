"""Braces in and around conditions."""

from __future__ import annotations

import pytest

from provisioner.lang.conditions import join_texts, unwrap


@pytest.mark.parametrize(("source", "inner"), [
    ("{{ a == 1 }}", "a == 1"), ("{{a}}", "a"), ("{{- a -}}", "a"), ("{{ '}}' in a }}", "'}}' in a"),
    ("{{ 'x{{y}}' == z }}", "'x{{y}}' == z"), ("{{ a }} == {{ b }}", None), ("a", None), ("{{ a }} and b", None),
    ("{{ {'a': 1}.a }}", "{'a': 1}.a"),
])
def test_braces_around_everything_are_taken_off(source: str, inner: str | None) -> None:
    assert unwrap(source) == inner


@pytest.mark.parametrize(("source", "joined"), [
    ("'{{ d }}/x' in p", "((d) ~ '/x' ~ '') in p"), ("a == 'b'", "a == 'b'"),
    ("\"a{{ b }}c{{ d }}\" == e", "(\"a\" ~ (b) ~ \"c\" ~ (d) ~ '') == e"),
    ("'{{ a[\\'k\\'] }}' == b", "((a['k']) ~ '') == b"),
    ("a == {{ b }}", None), ("'{% if a %}{% endif %}{{ b }}' == c", None), ("'{{ a' == b", None),
    ("a is search('\\\\d') and '{{ b }}'", "a is search('\\\\d') and ((b) ~ '')"),
])
def test_templates_in_texts_become_concatenations(source: str, joined: str | None) -> None:
    assert join_texts(source) == joined
