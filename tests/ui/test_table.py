"""Tables: what is left out where there is no room."""

from __future__ import annotations

from provisioner.ui.table import Column, table

COLUMNS = [
    Column("HOST", ["web-1", "web-22"]),
    Column("HEALTH", ["ok", "bad"], ["ok", "failed"]),
    Column("NODE", ["22.1.0", "22.1.0"], rank=1),
    Column("BUILD", ["0123456789", "0123456789"], rank=2),
]


def test_all_columns_are_shown_where_nobody_cuts_them() -> None:
    assert table(COLUMNS, None) == [
        "HOST    HEALTH  NODE    BUILD",
        "web-1   ok      22.1.0  0123456789",
        "web-22  bad     22.1.0  0123456789",
    ]


def test_columns_of_the_highest_rank_go_first() -> None:
    assert table(COLUMNS, 30)[0] == "HOST    HEALTH  NODE"
    assert table(COLUMNS, 15)[0] == "HOST    HEALTH"


def test_columns_without_text_are_left_out() -> None:
    assert table([COLUMNS[0], Column("EMPTY", ["", ""])], None) == ["HOST", "web-1", "web-22"]


def test_a_cell_has_the_colour_of_what_it_is() -> None:
    lines = table(COLUMNS[:2], None, lambda text, kind: f"<{kind}:{text}>" if kind else text)
    assert lines[2] == "web-22  <failed:bad   >"
