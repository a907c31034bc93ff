"""Texts that people might write: edited ones, and words put beside each other."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import strategies as st

_ODD = ["\0", "\t", "\r", "'", '"', "{{", "}}", "{%", "%}", ":", "- ", "#", "&a", "*a", "!vault ",
         "!!binary ", "|",
        ">", "[", "]", "{", "}", "\n", "\n\n", "---\n", "\ufeff", "\u2028", "é", "\\", "@", "`", "%", "? ",
         "<<: ", "1e999"]


@st.composite
def edited(draw: st.DrawFn, texts: Sequence[str]) -> str:
    """One of the texts after up to four edits: something put in, left out, written twice or moved."""
    text = draw(st.sampled_from(texts))
    for _ in range(draw(st.integers(1, 4))):
        begin = draw(st.integers(0, len(text)))
        end = min(len(text), begin + draw(st.integers(0, 40)))
        part = text[begin:end]
        new = draw(st.sampled_from(["", part * 2, part[::-1], part.swapcase(), *_ODD]) | st.text(max_size=3))
        text = text[:begin] + new + text[end:]
    return text


def words(*known: Sequence[str], most: int = 12) -> st.SearchStrategy[str]:
    """Known words and a few unknown ones, beside each other."""
    one = st.sampled_from([word for some in known for word in some]) | st.text(max_size=3)
    return st.lists(one, max_size=most).map("".join)
