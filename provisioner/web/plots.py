"""Pure: plots as inline SVG, in lengths that fit any width, without a style of their own: classes name the colours.

Every plot has a title and a description for those who can't see it; the pages show the same numbers as a table.
"""

from __future__ import annotations

import html
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from provisioner.ui.escape import visible

_HEIGHT: Final = 96  # pixels of the plot itself
_LEAST: Final = 2.0  # pixels: one of a thousand is still seen
_LANE: Final = 28
_MARK: Final = 6


@dataclass(frozen=True, slots=True)
class Bar:
    """A column of parts on top of each other. start, width: shares of the plot, 0 to 1. parts: (class, number)."""

    start: float
    width: float
    parts: tuple[tuple[str, int], ...]
    title: str

    @property
    def total(self) -> int:
        return sum(number for _, number in self.parts)


@dataclass(frozen=True, slots=True)
class Mark:
    """A moment in a lane. at: a share of the plot's width. shape: circle | back | cross."""

    at: float
    shape: str
    kind: str
    title: str


def bars(title: str, description: str, columns: Sequence[Bar]) -> str:
    """Stacked columns, as high as their numbers, the highest as the plot."""
    highest = max((column.total for column in columns), default=0)
    drawn = [f'<line class="axis" x1="0" x2="100%" y1="{_HEIGHT + 0.5}" y2="{_HEIGHT + 0.5}"/>']
    for column in columns:
        drawn += _column(column, highest)
    return _svg(title, description, _HEIGHT + 1, drawn)


def lanes(title: str, description: str, rows: Sequence[Sequence[Mark]]) -> str:
    """Moments along lines, one line for each row."""
    drawn: list[str] = []
    for number, row in enumerate(rows):
        middle = number * _LANE + _LANE // 2
        drawn.append(f'<line class="axis" x1="0" x2="100%" y1="{middle}" y2="{middle}"/>')
        drawn += [_mark(mark, middle) for mark in row]
    return _svg(title, description, max(1, len(rows)) * _LANE, drawn)


def _column(column: Bar, highest: int) -> Iterator[str]:
    if not column.total:
        return
    yield f"<g><title>{_text(column.title)}</title>"
    base = float(_HEIGHT)
    for kind, number in column.parts:
        if number:
            height = max(_LEAST, number / highest * (_HEIGHT - 4))
            base -= height
            yield (f'<rect class="{_text(kind)}" x="{_share(column.start)}" width="{_share(column.width)}" '
                   f'y="{base:.1f}" height="{height:.1f}"/>')  # fmt: skip
    yield "</g>"


def _mark(mark: Mark, middle: int) -> str:
    """Nested, so that its shape keeps pixels while its place is a share."""
    size = 2 * _MARK
    shapes = {
        "circle": f'<circle cx="{_MARK}" cy="{_MARK}" r="{_MARK - 1}"/>',
        "back": f'<path d="M{size - 1} 1 L1 {_MARK} L{size - 1} {size - 1} Z"/>',
        "cross": f'<path class="line" d="M2 2 L{size - 2} {size - 2} M{size - 2} 2 L2 {size - 2}"/>',
    }
    # Room for a whole mark at both ends.
    return (f'<svg class="{_text(mark.kind)}" x="{_share(mark.at * 0.97)}" y="{middle - _MARK}" width="{size}" '
            f'height="{size}"><title>{_text(mark.title)}</title>{shapes[mark.shape]}</svg>')  # fmt: skip


def _svg(title: str, description: str, height: int, drawn: Sequence[str]) -> str:
    return (f'<svg class="plot" role="img" aria-label="{_text(title)}" width="100%" height="{height}">'
            f"<title>{_text(title)}</title><desc>{_text(description)}</desc>{''.join(drawn)}</svg>")  # fmt: skip


def _share(part: float) -> str:
    return f"{min(1.0, max(0.0, part)) * 100:.2f}%"


def _text(text: str) -> str:
    return html.escape(visible(text))
