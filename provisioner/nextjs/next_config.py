"""What an app's next.config says, as far as it stands there in words. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping

from provisioner.nextjs.javascript import code_only

CONFIGS = ("next.config.js", "next.config.mjs", "next.config.ts")  # in the order in which Next.js looks for them


def read_config(files: Mapping[str, str]) -> str | None:
    """The file that Next.js reads."""
    return next((name for name in CONFIGS if name in files), None)


def values(files: Mapping[str, str], option: str) -> list[str]:
    """What stands after `option:` in the configuration, as it is written: `'standalone'`, `process.env.X ? …`."""
    name = read_config(files)
    if name is None:
        return []
    return [found.strip() for found in re.findall(rf"\b{option}\s*:\s*([^,}}\n]*)", code_only(files[name]))]


def literal(value: str) -> str | None:
    """The text that a value is; None for an expression."""
    found = re.fullmatch(r"(['\"`])(.*)\1(?:\s+as\s+const)?", value)
    return found[2] if found and not re.search(r"['\"`]", found[2]) else None


def output(files: Mapping[str, str]) -> str | None:
    """`output`, where it is always the same."""
    found = {literal(value) for value in values(files, "output")}
    return found.pop() if len(found) == 1 else None
