from __future__ import annotations

from typing import Any

import pytest

from provisioner.ui.colours import coloured, plain
from provisioner.ui.diffs import diffs_of, render

CASES: list[tuple[dict[str, Any], str]] = [
    ({"before": "a\nb\n", "after": "a\nc\n", "before_header": "/etc/x", "after_header": "/tmp/y"},
     "--- before: /etc/x\n+++ after: /tmp/y\n@@ -1,2 +1,2 @@\n a\n-b\n+c"),
    ({"before": "", "after": "new\n"}, "--- before\n+++ after\n@@ -0,0 +1 @@\n+new"),
    ({"before": "a", "after": "a\n"}, "--- before\n+++ after\n@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+a"),
    ({"before": {"mode": "0644"}, "after": {"mode": "0600"}},
     '--- before\n+++ after\n@@ -1,3 +1,3 @@\n {\n-    "mode": "0644"\n+    "mode": "0600"\n }'),
    ({"before": "same", "after": "same"}, ""),
    ({"before": "\x1b[31m\x0c\n", "after": "\r\n"},
     "--- before\n+++ after\n@@ -1 +1 @@\n-\\x1b[31m\\x0c\n+"),
    ({"dst_binary": 1}, "diff skipped: destination file appears to be binary"),
    ({"dst_larger": 104448}, "diff skipped: destination file size is greater than 104448"),
    ({"prepared": "- one\n+ two\n"}, "- one\n+ two"),
]


@pytest.mark.parametrize(("diff", "text"), CASES)
def test_diffs_are_unified_text(diff: dict[str, Any], text: str) -> None:
    assert render(diff, plain) == text


def test_lines_are_coloured_by_what_they_do() -> None:
    text = render({"before": "a\n", "after": "b\n"}, coloured)
    assert "\x1b[0;31m-a\x1b[0m" in text
    assert "\x1b[0;32m+b\x1b[0m" in text
    assert "\x1b[0;36m@@ -1 +1 @@\x1b[0m" in text


def test_a_result_has_no_one_or_several_diffs() -> None:
    one = {"before": "a", "after": "b"}
    assert [diffs_of(result) for result in ({}, {"diff": one}, {"diff": [one, {}, one]}, {"diff": None})] == [
        [], [one], [one, one], []]


def test_a_diff_of_nothing_is_none() -> None:
    assert diffs_of({"diff": {"before": {"path": "/x"}, "after": {"path": "/x"}}}) == []
