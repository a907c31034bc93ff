"""Permission bits out of the modes that people write."""

from __future__ import annotations

from provisioner.remote.sdk import ModuleFailed

_WHO = {"u": 0o4700, "g": 0o2070, "o": 0o1007}
_SHIFTS = {"u": 6, "g": 3, "o": 0}


def mode_bits(mode: str, old: int, *, is_directory: bool, umask: int = 0o022) -> int:
    """The permission bits that `mode` ("0644" or "u=rwX,go=rX") makes of `old`, as chmod(1) has it."""
    if mode.isdecimal():
        return int(mode, 8)
    bits = old & 0o7777
    for clause in mode.split(","):
        bits = _clause(clause, bits, is_directory, umask)
    return bits


def _clause(clause: str, bits: int, is_directory: bool, umask: int) -> int:
    start = next((i for i, char in enumerate(clause) if char in "+-="), None)
    if start is None:
        raise ModuleFailed("%r is not a file mode like u=rw,g=r" % clause)
    who, masked = clause[:start].replace("a", "ugo"), 0
    if not who:
        who, masked = "ugo", umask
    position = start
    while position < len(clause):
        operator = clause[position]
        end = next((i for i in range(position + 1, len(clause)) if clause[i] in "+-="), len(clause))
        value = _permissions(clause[position + 1:end], who, bits, is_directory) & ~masked
        if operator == "+":
            bits |= value
        elif operator == "-":
            bits &= ~value
        else:
            cleared = 0
            for one in who:
                # A directory keeps setuid and setgid unless they are named, as with chmod(1).
                cleared |= _WHO[one] & (0o777 if is_directory and one != "o" else 0o7777)
            bits = (bits & ~cleared) | value
        position = end
    return bits


def _permissions(letters: str, who: str, bits: int, is_directory: bool) -> int:
    value = 0
    for letter in letters:
        for one in who:
            shift = _SHIFTS[one]
            if letter in "rwx":
                value |= {"r": 4, "w": 2, "x": 1}[letter] << shift
            elif letter == "X":
                value |= (1 << shift) if is_directory or bits & 0o111 else 0
            elif letter == "s":
                value |= {"u": 0o4000, "g": 0o2000, "o": 0}[one]
            elif letter == "t":
                value |= 0o1000 if one == "o" else 0
            elif letter in "ugo":
                value |= ((bits >> _SHIFTS[letter]) & 7) << shift
            else:
                raise ModuleFailed("%r is not a permission" % letter)
    return value
