"""The lookup `password`: a random password, kept in a file beside the playbook from the first use on."""

from __future__ import annotations

import os
import random
import secrets
import string
from collections.abc import Mapping
from pathlib import Path

from provisioner import durable
from provisioner.template.passwords import SALT_SIZES, hashed
from provisioner.values import Secret, Value

_SETS = {
    "ascii_letters": string.ascii_letters, "ascii_lowercase": string.ascii_lowercase,
    "ascii_uppercase": string.ascii_uppercase, "digits": string.digits, "hexdigits": string.hexdigits,
    "punctuation": string.punctuation,
}
_NAMES = frozenset({"length", "chars", "encrypt", "seed", "ident"})
_SALT = string.ascii_letters + string.digits + "./"


def stored(term: str, options: Mapping[str, Value], directory: Path) -> Secret:
    """The password of `path option=value …`; made and written (mode 0600) when the file does not exist.

    `/dev/null` as the path keeps nothing. `encrypt` gives the hash, its salt kept in the file too.
    """
    name, given = _parsed(term)
    settings: dict[str, Value] = {**{key: value for key, value in options.items() if key in _NAMES}, **given}
    hashtype = str(settings.get("encrypt") or "")
    if hashtype and hashtype not in SALT_SIZES:
        raise ValueError(f"`encrypt` is one of {', '.join(SALT_SIZES)}, not {hashtype}")
    path = Path(os.path.expanduser(name))
    path = path if path.is_absolute() else directory / path
    kept = path != Path("/dev/null")
    before = password, salt, ident = _read(path) if kept and path.exists() else ("", "", "")
    password = password or _made(settings)
    if hashtype and not salt:
        salt = new_salt(SALT_SIZES[hashtype])
        ident = str(settings.get("ident") or ("2b" if len(salt) == SALT_SIZES["bcrypt"] else ""))
    if kept and (password, salt, ident) != before:
        more = f" salt={salt}" * bool(salt) + f" ident={ident}" * bool(ident)
        durable.write(path, f"{password}{more}\n".encode())
    return Secret(hashed(password, salt, hashtype, ident=ident) if hashtype else password)


def new_salt(size: int) -> str:
    return "".join(secrets.choice(_SALT) for _ in range(size))


def _parsed(term: str) -> tuple[str, dict[str, Value]]:
    words = term.split()
    options = {}
    while len(words) > 1 and "=" in words[-1] and words[-1].split("=", 1)[0] in _NAMES:
        key, value = words.pop().split("=", 1)
        options[key] = value
    return " ".join(words), options


def _made(settings: Mapping[str, Value]) -> str:
    length = int(settings.get("length", 20))
    chosen = settings.get("chars", "ascii_letters,digits,.,:-_")
    if isinstance(chosen, str):
        with_comma = ",," in chosen
        chosen = [part for part in chosen.replace(",,", ",").split(",") if part] + ([","] if with_comma else [])
    alphabet = "".join(_SETS.get(str(part), str(part)) for part in chosen)
    if not alphabet or length < 1:
        raise ValueError("a password needs characters and a length")
    seed = settings.get("seed")
    pick = random.Random(seed) if seed is not None else secrets.SystemRandom()  # noqa: S311 - a seed is to repeat
    return "".join(pick.choice(alphabet) for _ in range(length))


def _read(path: Path) -> tuple[str, str, str]:
    """Password, salt and variant of the hash."""
    text, _, salted = path.read_text(encoding="utf-8").rstrip("\n").partition(" salt=")
    salt, _, ident = salted.partition(" ident=")
    return text, salt, ident
