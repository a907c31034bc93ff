"""Results in a page of the documentation, between two marks; what is written by hand around them stays."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path


def replace(page: Path, opening: str, texts: Sequence[str], closing: str = "<!-- end of results -->") -> None:
    """Lines between the marks, at the end of the page where the opening one is not in it yet."""
    block = "\n".join([opening, *texts, closing])
    text = page.read_text()
    kept = re.compile(f"{re.escape(opening)}.*?{re.escape(closing)}", re.DOTALL)
    page.write_text(kept.sub(lambda _: block, text) if kept.search(text) else f"{text.rstrip()}\n\n{block}\n")
