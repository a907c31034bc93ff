"""Views as HTML. Everything that is put into a page is text: escaped, and control characters shown as such."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from provisioner.ui.colours import plain
from provisioner.ui.diffs import diffs_of, render
from provisioner.ui.escape import visible, visible_lines
from provisioner.ui.moments import ago, ahead, took, utc

NAVIGATION = ("overview", "runs", "hosts", "drift", "apps", "machines", "schedules")
ASSETS: Final[Mapping[str, str]] = {"style.css": "text/css", "page.js": "text/javascript", "icon.svg": "image/svg+xml"}
_MARKS = {"+": "added", "-": "removed", "@": "lines"}


@dataclass(frozen=True, slots=True)
class Site:
    """What all pages of a kind have in common. link: as `links.served`. root: where the page's files are. live: they
    are served, so searches and updates work. now: seconds since the epoch."""

    link: Callable[..., str]
    root: str
    live: bool
    now: float


def page(template: str, site: Site, view: Any) -> str:
    """The page `template` of a view."""
    return _environment().get_template(f"{template}.html").render(view=view, site=site, link=site.link, here=template,
                                                                  navigation=NAVIGATION)  # fmt: skip


def fragment(site: Site, view: Any) -> str:
    """The head and the sections of a run, to be put into its page."""
    return _environment().get_template("_sections.html").render(view=view, site=site, link=site.link)


def asset(name: str) -> bytes:
    """A file that pages load."""
    return resources.files("provisioner.web").joinpath("static", name).read_bytes()


@cache
def _environment() -> Environment:
    made = Environment(loader=PackageLoader("provisioner.web"), autoescape=True, undefined=StrictUndefined,
                       finalize=_shown, trim_blocks=True, lstrip_blocks=True)  # fmt: skip
    made.filters |= {"utc": utc, "took": took, "block": _block, "diffs": _diffs, "svg": Markup, "count": _count}
    made.globals |= {"ago": ago, "ahead": ahead}
    return made


def _shown(value: Any) -> Any:
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _block(text: str) -> Markup:
    """Text of several lines; those of a diff have their colours."""
    return Markup("\n").join(
        Markup('<span class="{}">{}</span>').format(_MARKS[line[0]], line) if line[:1] in _MARKS else line
        for line in visible_lines(text))  # fmt: skip


def _diffs(found: Any) -> list[str]:
    return [text for diff in diffs_of({"diff": found}) if (text := render(diff, plain))]


def _count(number: int, word: str) -> str:
    return f"{number:,} {word}{'' if number == 1 else 's'}".replace(",", " ")
