"""Variables of an app: at run time, at build time, and those nobody may see."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from provisioner.nextjs.settings.common import as_text
from provisioner.remote.spec import Problem
from provisioner.values import Secret

PUBLIC = "NEXT_PUBLIC_"
# Set by us in the unit, or without effect there: a value in `env` would be a trap.
RESERVED = {
    "PORT": "use `port`",
    "HOSTNAME": "use `listen`",
    "NEXT_MANUAL_SIG_HANDLE": "use `manual_signal_handling`",
    "LD_PRELOAD": "use `jemalloc`",
    "NEXT_SHARP_PATH": "sharp is found by itself",
}
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_CREDENTIAL = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}")


def kept(value: Any) -> str | Secret:
    return value if isinstance(value, Secret) else as_text(value)


def problems(a: Any) -> Iterator[Problem]:
    for argument in ("env", "build_env", "secrets"):
        for name, value in getattr(a, argument).items():
            if not isinstance(name, str) or not _VARIABLE.fullmatch(name):
                yield Problem(argument, f"`{name}` in `{argument}` can't name a variable")
            elif name in RESERVED:
                yield Problem(argument, f"`{name}` in `{argument}` has no effect on the app", RESERVED[name])
            elif isinstance(value, (Mapping, list, tuple)) or value is None:
                yield Problem(argument, f"`{name}` in `{argument}` must be a text")
            elif "\0" in _shown(value):
                yield Problem(argument, f"`{name}` in `{argument}` holds a NUL character")
    for name in sorted(set(a.env) & set(a.secrets)):
        yield Problem("secrets", f"`{name}` is in `env` and in `secrets`")
    for name in a.secrets:
        if str(name).startswith(PUBLIC):
            yield Problem(
                "secrets",
                f"`{name}` would be sent to every browser",
                "variables named NEXT_PUBLIC_… are public by definition",
            )


def problems_of_credentials(credentials: Mapping[Any, Any]) -> Iterator[Problem]:
    for name, value in credentials.items():
        if not isinstance(name, str) or not _CREDENTIAL.fullmatch(name):
            yield Problem("credentials", f"`{name}` in `credentials` can't name a file for systemd",
                          "letters, digits, `_`, `-` and `.`, at most 100")  # fmt: skip
        elif isinstance(value, (Mapping, list, tuple)) or value is None:
            yield Problem("credentials", f"`{name}` in `credentials` must be a text")


def _shown(value: Any) -> str:
    return "" if isinstance(value, Secret) else as_text(value)


