"""The site's key: hashes of what was wanted are made with it, and what is kept on hosts is signed with it.

    provision.site-key    beside the inventory, encrypted by the vault: every controller of the site has it, from the
                          same repository and by the same password
    resource.key          else, in the state directory: this controller's own
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from provisioner import durable
from provisioner.diag import ProvisionError, Span, UsageError
from provisioner.history.baselines import key_in
from provisioner.vault.keyring import Keyring

NAME: Final = "provision.site-key"
_BYTES: Final = 32


def shared_file(inventories: Sequence[str]) -> Path | None:
    """Where the key lies that controllers share; None without an inventory."""
    if not inventories:
        return None
    first = Path(inventories[0])
    return (first if first.is_dir() else first.parent) / NAME


def site_key(state_dir: Path, inventories: Sequence[str], vault: Keyring) -> bytes:
    """Raises `VaultError` where the shared one can't be opened; empty where the state directory can't be written."""
    file = shared_file(inventories)
    if file is None or not file.exists():
        return key_in(state_dir)
    content, _ = vault.unlock(file.read_bytes(), Span(str(file), 1))
    try:
        key = bytes.fromhex(content.decode("ascii").strip())
    except ValueError:
        key = b""
    if len(key) != _BYTES:
        raise ProvisionError(f"{file} is no site key", hint="get it from where it was made: `provision vault site-key`")
    return key


def share(state_dir: Path, inventories: Sequence[str], vault: Keyring, label: str | None) -> Path:
    """Put this controller's key beside the inventory, encrypted: what it has recorded stays good."""
    file = shared_file(inventories)
    if file is None:
        raise UsageError("a site key lies beside an inventory, and none was given", hint="say -i INVENTORY")
    own = key_in(state_dir)
    if not own:
        raise ProvisionError(f"{state_dir} can't be written", hint="the site's key is made there: --state-dir")
    sealed = vault.encrypt(f"{own.hex()}\n".encode(), vault.to_encrypt(label))
    if not durable.write_new(file, sealed):
        raise UsageError(f"{file} is there already", hint="controllers that can open it share it")
    return file
