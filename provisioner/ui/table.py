"""Tables that fit the terminal: columns that matter less are left out where there is no room."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from provisioner.ui.colours import Paint, plain
from provisioner.ui.escape import columns, crop

_BETWEEN = "  "


@dataclass(frozen=True, slots=True)
class Column:
    """cells: safe to show. kinds: what each cell is, for its colour. rank: of two columns the one with the higher rank
    is left out first."""

    title: str
    cells: Sequence[str]
    kinds: Sequence[str] = ()
    rank: int = 0

    @property
    def width(self) -> int:
        return max(columns(self.title), *(columns(cell) for cell in self.cells), 0)


def table(given: Sequence[Column], width: int | None, paint: Paint = plain) -> list[str]:
    """The lines. Columns without any text are left out; width None: all others are shown, however wide."""
    shown = [column for column in given if any(column.cells)]
    while width is not None and len(shown) > 1 and _total(shown) > width:
        least = max(shown, key=lambda column: column.rank)
        if least.rank == 0:
            break
        shown.remove(least)
    lines = [_line([column.title for column in shown], shown, width)]
    for row in range(len(shown[0].cells) if shown else 0):
        cells = [crop(column.cells[row], width) if width else column.cells[row] for column in shown]
        padded = [f"{cell}{' ' * (column.width - columns(cell))}" for cell, column in zip(cells, shown, strict=True)]
        painted = [paint(cell, column.kinds[row] if column.kinds else "")
                   for cell, column in zip(padded, shown, strict=True)]  # fmt: skip
        lines.append(_BETWEEN.join(painted).rstrip())
    return [paint(lines[0], "dim"), *lines[1:]]


def _total(shown: Sequence[Column]) -> int:
    return sum(column.width for column in shown) + len(_BETWEEN) * (len(shown) - 1)


def _line(cells: Sequence[str], shown: Sequence[Column], width: int | None) -> str:
    text = _BETWEEN.join(f"{cell}{' ' * (column.width - columns(cell))}" for cell, column in
                         zip(cells, shown, strict=True)).rstrip()  # fmt: skip
    return crop(text, width) if width else text
