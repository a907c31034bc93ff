"""What ansible-core's own plugins tell of a text: whether it may be run as a template or condition."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from provisioner.values import Trusted, Value


def tagged_with(value: Value, tag: str) -> bool:
    """`TrustedAsTemplate`: a text that stands in a file of the user, and nothing that was made from one.

    >>> tagged_with(Trusted.of("1 == 1"), "TrustedAsTemplate"), tagged_with("1 == 1", "TrustedAsTemplate")
    (True, False)
    """
    if tag != "TrustedAsTemplate":
        raise ValueError(f"there is no tag {tag!r}, only 'TrustedAsTemplate'")
    return isinstance(value, Trusted)


TESTS: Mapping[str, Callable[..., Any]] = {"ansible._protomatter.tagged_with": tagged_with}
