from __future__ import annotations

from xml.etree import ElementTree

from provisioner.web.plots import Bar, Mark, bars, lanes

EVIL = "<script>&\x1b[2J"


def test_columns_stand_on_the_axis_and_the_highest_fills_the_plot() -> None:
    plot = ElementTree.fromstring(bars("Runs", "two days", [
        Bar(0.0, 0.5, (("ok", 3), ("failed", 1)), "Monday"),
        Bar(0.5, 0.5, (("ok", 2), ("failed", 0)), "Tuesday")]))  # fmt: skip
    well, failed, other = plot.findall(".//rect")
    assert [each.get("class") for each in (well, failed, other)] == ["ok", "failed", "ok"]
    assert float(well.get("y", "")) + float(well.get("height", "")) == 96
    assert float(failed.get("y", "")) + float(failed.get("height", "")) == float(well.get("y", ""))
    assert float(failed.get("y", "")) == 4
    assert (other.get("x"), other.get("width")) == ("50.00%", "50.00%")


def test_a_plot_says_in_words_what_it_shows() -> None:
    plot = ElementTree.fromstring(bars("Runs", "nothing", []))
    assert (plot.get("role"), plot.findtext("title"), plot.findtext("desc")) == ("img", "Runs", "nothing")


def test_the_smallest_part_of_a_high_column_is_still_seen() -> None:
    plot = ElementTree.fromstring(bars("t", "d", [Bar(0, 1, (("ok", 100_000), ("failed", 1)), "")]))
    assert float(plot.findall(".//rect")[1].get("height", "")) == 2


def test_marks_have_a_shape_and_words() -> None:
    plot = ElementTree.fromstring(lanes("t", "d", [[
        Mark(0, "circle", "ok", "first"), Mark(1, "back", "changed", "back"),
        Mark(0.5, "cross", "failed", "no")]]))  # fmt: skip
    assert [each.findtext("title") for each in plot.findall("svg")] == ["first", "back", "no"]
    assert [[child.tag for child in each][1] for each in plot.findall("svg")] == ["circle", "path", "path"]


def test_what_is_evil_is_text_in_a_plot() -> None:
    plot = bars(EVIL, EVIL, [Bar(0, 1, (("ok", 1),), EVIL)]) + lanes("t", "d", [[Mark(0, "circle", "ok", EVIL)]])
    assert "<script" not in plot
    assert "\x1b" not in plot
    assert plot.count("&lt;script&gt;&amp;\\x1b[2J") == 5
