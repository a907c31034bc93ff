"""All vault passwords of one run: opens what is encrypted, and encrypts. The real `values.Vault`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from provisioner.diag import NoVaultPassword, Span, UsageError, VaultError, near
from provisioner.values import Secret
from provisioner.vault import cipher, envelope
from provisioner.vault.envelope import DEFAULT_ID, Damaged, Envelope


@dataclass(frozen=True, slots=True)
class Password:
    label: str
    value: bytes = field(repr=False)
    origin: str = ""
    """Where it is from, for messages: `--vault-id dev@prompt`."""


@dataclass(slots=True)
class Keyring:
    """passwords: in the order in which they are tried, but the one whose label fits is tried first.

    only_matching: try no other than those whose label fits (ANSIBLE_VAULT_ID_MATCH).
    """

    passwords: Sequence[Password] = ()
    only_matching: bool = False
    _keys: dict[tuple[bytes, bytes], cipher.Keys] = field(default_factory=dict, repr=False)
    _opened: dict[str, Secret] = field(default_factory=dict, repr=False)
    """Every value that was used so far, by its envelope: a value is decrypted once, for all hosts and tasks."""
    _disclosed: dict[str, Secret] = field(default_factory=dict, repr=False)
    _listeners: list[Callable[[object], None]] = field(default_factory=list, repr=False)

    # -- values.Vault ---------------------------------------------------------------------------------------

    def decrypt(self, envelope: bytes, span: Span) -> bytes:
        plain, _ = self.unlock(envelope, span)
        return plain

    def open(self, envelope: str, span: Span) -> Secret:
        known = self._opened.get(envelope)
        if known is None:
            plain, _ = self.unlock(envelope.encode(), span)
            try:
                known = self.disclose(plain.decode("utf-8"))
            except UnicodeDecodeError:
                raise VaultError("The decrypted value is not UTF-8 text", span=span,
                                 hint="keep binary data in a file that is encrypted as a whole, and copy it") from None
            self._opened[envelope] = known
        return known

    def disclose(self, text: str) -> Secret:
        secret = self._disclosed.get(text)
        if secret is None:
            secret = self._disclosed[text] = Secret(text)
            for listener in self._listeners:
                listener(secret)
        return secret

    # -- for those who know that it is a keyring ------------------------------------------------------------

    def tell(self, listener: Callable[[object], None]) -> None:
        """`listener` gets every value that is used from now on, and those that were used already."""
        self._listeners.append(listener)
        listener(list(self._disclosed.values()))

    def unlock(self, data: bytes, span: Span) -> tuple[bytes, Password]:
        """The plain bytes and the password that fitted. Raises `VaultError`."""
        try:
            sealed = envelope.parse(data)
            for password in self._candidates(sealed.label):
                keys = self._derived(password.value, sealed.salt)
                if cipher.fits(sealed, keys):
                    return cipher.decrypt(sealed, keys), password
        except Damaged as error:
            raise VaultError(f"The encrypted text is damaged: {error}", span=span) from None
        raise self._no_password(sealed, span)

    def encrypt(self, plain: bytes, password: Password) -> bytes:
        return envelope.write(cipher.encrypt(plain, password.label, password.value))

    def to_encrypt(self, label: str | None, option: str = "--encrypt-vault-id") -> Password:
        """The password to encrypt with: the one named `label`, or the only one. Raises `UsageError`."""
        labels = [password.label for password in self.passwords]
        if label is not None:
            for password in self.passwords:
                if password.label == label:
                    return password
            raise UsageError(f"{option} {label}: no password has that id; there {_are(labels)}",
                             hint=near(label, labels))
        if not self.passwords:
            raise UsageError("a vault password is needed", hint=HOW)
        if len(set(labels)) > 1:
            raise UsageError(f"there are passwords for several ids ({', '.join(labels)})",
                             hint=f"say which one to encrypt with by {option}")
        return self.passwords[0]

    def _candidates(self, label: str) -> list[Password]:
        matching = [password for password in self.passwords if password.label == label]
        if self.only_matching:
            return matching
        return matching + [password for password in self.passwords if password.label != label]

    def _derived(self, password: bytes, salt: bytes) -> cipher.Keys:
        key = (password, salt)
        if key not in self._keys:
            self._keys[key] = cipher.derive(password, salt)
        return self._keys[key]

    def _no_password(self, sealed: Envelope, span: Span) -> VaultError:
        what = f"with the vault id `{sealed.label}`" if sealed.label != DEFAULT_ID else "by the vault"
        if not self.passwords:
            return NoVaultPassword(f"This is encrypted {what}, and no vault password was given", span=span,
                                   hint=f"--vault-id {sealed.label}@FILE, --vault-password-file FILE or -J gives one")
        if not self._candidates(sealed.label):
            labels = [password.label for password in self.passwords]
            return VaultError(f"This is encrypted {what}, and no password has that id: there {_are(labels)}",
                              span=span, hint=near(sealed.label, labels) or "ANSIBLE_VAULT_ID_MATCH forbids the others")
        tried = ", ".join(f"`{password.label}` ({password.origin})" for password in self._candidates(sealed.label))
        return VaultError(f"No vault password opens this, or the text was changed. It is encrypted {what}; tried: "
                          f"{tried}", span=span, hint=f"--vault-id {sealed.label}@FILE gives another password")


HOW = "--vault-id LABEL@FILE, --vault-password-file FILE or -J gives one"


def _are(labels: Sequence[str]) -> str:
    return f"are {', '.join(f'`{label}`' for label in labels)}" if labels else "are none"
