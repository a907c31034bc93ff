"""Filters that draw: the draw itself is an effect, so that a task rendered twice sees the same numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from jinja2.runtime import Context
from jinja2.utils import pass_context

from provisioner.template.effects import Effect
from provisioner.template.lazy import plain
from provisioner.template.lookups import occurrence, scope_of
from provisioner.template.passwords import SALT_SIZES, hashed
from provisioner.values import Value


def draw(context: Context, kind: str, *args: Value, seed: Value = None) -> Value:
    """The answer to a draw; two without a seed must differ.

    The engine keeps answers for one attempt at one loop item, so items draw for themselves.
    """
    if seed is not None:
        return scope_of(context).effects.ask(Effect(kind, args, (("seed", plain(seed)),)))
    return scope_of(context).effects.ask(Effect(kind, args, (("at", occurrence(context)),)))


@pass_context
def random(context: Context, end: Value, start: int | None = None, step: int | None = None,
           seed: Value = None) -> Value:
    """A number below `end`, or an item of a list. The same seed gives what Ansible draws with it.

    >>> evaluate("60 | random(seed='web1')"), evaluate("['a', 'b', 'c'] | random(seed='web1')")
    (52, 'b')
    """
    if isinstance(end, int):
        return draw(context, "random", start or 0, end, step or 1, seed=seed)
    if not isinstance(end, Iterable):
        raise TypeError("random can only be used on sequences and integers")
    if start or step:
        raise TypeError("start and step can only be used with integers")
    items = list(end)
    return items[draw(context, "random", 0, len(items), 1, seed=seed)] if items else None


@pass_context
def shuffle(context: Context, items: Value, seed: Value = None) -> Value:
    """The items in an order drawn by chance, the same for the same seed; what has none is given back.

    >>> evaluate("[1, 2, 3, 4] | shuffle(seed='web1')")
    [1, 4, 2, 3]
    """
    if not isinstance(items, Iterable):
        return items
    listed = list(items)
    return [listed[index] for index in draw(context, "shuffle", len(listed), seed=seed)]


@pass_context
def password_hash(context: Context, password: Value, hashtype: str = "sha512", salt: str | None = None,
                  salt_size: int | None = None, rounds: int | None = None, ident: str | None = None) -> str:
    """`password` as `/etc/shadow` or `htpasswd` holds it. Without a salt each run makes a new one, so the task changes.

    >>> evaluate("('secret' | password_hash('sha512', salt='saltsalt')).startswith('$6$saltsalt$')")
    True
    >>> evaluate("('secret' | password_hash('bcrypt', rounds=4)).startswith('$2b$04$')")
    True
    """
    if hashtype not in SALT_SIZES:
        raise ValueError(f"{hashtype} is not in the list of supported passlib algorithms: {', '.join(SALT_SIZES)}")
    if salt_size is not None and not isinstance(salt_size, int):
        raise TypeError("salt_size must be an integer")
    if salt is None:
        salt = str(draw(context, "salt", salt_size or SALT_SIZES[hashtype]))
    return hashed(str(password), str(salt), hashtype, rounds, ident)


@pass_context
def random_mac(context: Context, prefix: str, seed: Value = None) -> str:
    """A hardware address that begins with `prefix`: with the same seed always the same.

    >>> evaluate("'52:54:00' | random_mac(seed='web1')")
    '52:54:00:a7:84:9d'
    """
    known = [part for part in prefix.lower().split(":") if part]
    if len(known) > 5 or any(len(part) != 2 or set(part) - set("0123456789abcdef") for part in known):
        raise ValueError(f"{prefix!r} is no beginning of a hardware address, like 52:54:00")
    number = int(draw(context, "random", 0, 256 ** (6 - len(known)), 1, seed=seed))
    rest = number.to_bytes(6 - len(known), "big").hex(":")
    return ":".join([*known, rest])


FILTERS: Mapping[str, Callable[..., Any]] = {
    "random": random, "shuffle": shuffle, "password_hash": password_hash,
    "random_mac": random_mac,
}
