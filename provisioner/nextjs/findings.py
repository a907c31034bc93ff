"""What a preflight finds, and what of it is shown. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """`text`: what is found, with the value, and why it matters. `mend`: what to do. stops: nothing may be done with
    it. at_build: it matters only when something is built or brought to a host."""

    text: str
    mend: str = ""
    stops: bool = False
    at_build: bool = False

    def __str__(self) -> str:
        return f"{self.text}; {self.mend}" if self.mend else self.text


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is shown of all findings."""

    errors: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def verdict(findings: Iterable[Finding], *, builds: bool) -> Verdict:
    told = [finding for finding in findings if builds or not finding.at_build]
    errors = dict.fromkeys(str(finding) for finding in told if finding.stops)
    return Verdict(tuple(errors), tuple(dict.fromkeys(str(finding) for finding in told if not finding.stops)))
