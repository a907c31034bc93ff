"""The filters `vault` and `unvault`: text encrypted and opened with a password that the playbook has itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from jinja2.runtime import Context
from jinja2.utils import pass_context

from provisioner.template.filters.draws import draw
from provisioner.template.marks import Tainted
from provisioner.values import Value
from provisioner.vault import cipher, envelope

_LABEL = "filter_default"


@pass_context
def vault(context: Context, data: Value, secret: Value, salt: Value = None, vault_id: str = _LABEL) -> Tainted:
    """`data` as `ansible-vault` writes it, a secret like all that is made with one. Without a salt each run makes
    another text of it, so that the task changes.

    >>> evaluate("('words' | vault('pw', salt='s')).splitlines()[0] == '$ANSIBLE_VAULT;1.2;AES256;filter_default'")
    True
    >>> evaluate("'words' | vault('pw', vault_id='mine')")
    ********
    """
    for value, what in ((data, "what is encrypted"), (secret, "the password")):
        _need_text(value, what)
    if salt is not None and not str(salt):
        raise ValueError("the salt is empty")
    salted = str(draw(context, "salt", cipher.SALT_BYTES) if salt is None else salt)
    sealed = cipher.encrypt(data.encode(), vault_id, secret.encode(), salted.encode())
    return Tainted(envelope.write(sealed).decode())


def unvault(data: Value, secret: Value, vault_id: str = _LABEL) -> Tainted:
    """What is in an encrypted text; a text that is not encrypted stays what it is. The password alone decides, the
    vault id is there for playbooks that give it.

    >>> evaluate("'words' | vault('pw') | unvault('pw') == 'words'"), evaluate("'words' | unvault('pw')")
    (True, ********)
    """
    for value, what in ((data, "what is decrypted"), (secret, "the password")):
        _need_text(value, what)
    if not envelope.is_encrypted(data.encode()):
        return Tainted(data)
    sealed = envelope.parse(data.encode())
    keys = cipher.derive(secret.encode(), sealed.salt)
    if not cipher.fits(sealed, keys):
        raise ValueError("the password does not open this, or the text was changed")
    return Tainted(cipher.decrypt(sealed, keys).decode())


def _need_text(value: Value, what: str) -> None:
    if not isinstance(value, str):
        raise TypeError(f"{what} has to be text")


FILTERS: Mapping[str, Callable[..., Any]] = {"vault": vault, "unvault": unvault}
