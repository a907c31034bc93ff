from __future__ import annotations

import pytest

from provisioner.diag import HostKeyRejected
from provisioner.enrol.console import Printed, printed, tail

ED = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKOhB099db24YDsxyJqjzuNAfy9S0ekoVr0DJwmvDeZy"
EC = ("ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBPLCyUvDEGpCmTlA9mHzv0zwSuvHQ0mUiGwOO+8w"
      "Ae5tRGV3OsyVBWKLqzZQjCqbGhHXsCDdCHGtXkSbQY4cWQk=")
OTHER = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFb9h3b65yjn9nnIj6/44X1d88jQVL6PCXlxBm+lNlff"
PRINT = "SHA256:0v9hIKm1nQeWbYlXzBvQ5Lr8yQyYV7h0F4bY2m3xZ1o"
BOOTING = "[    0.000000] Linux version 6.1\r\n[  OK  ] Started ssh.service\r\n"


def block(*lines: str, kind: str = "KEYS", end: str = "\r\n", before: str = "") -> str:
    inner = "".join(f"{before}{line}{end}" for line in lines)
    return f"{before}-----BEGIN SSH HOST KEY {kind}-----{end}{inner}{before}-----END SSH HOST KEY {kind}-----{end}"


def test_keys_stand_in_their_block() -> None:
    assert printed(BOOTING + block(f"{EC} root@web", f"{ED} root@web")) == Printed((EC, ED))


def test_prefixes_of_lines_do_no_harm() -> None:
    assert printed(block(f"{ED} root@web", before="[   12.345678] cloud-init[601]: ")).keys == (ED,)


def test_an_end_that_is_glued_to_a_comment_does_no_harm() -> None:
    text = f"-----BEGIN SSH HOST KEY KEYS-----\n{ED} throw-away-----END SSH HOST KEY KEYS-----\n"
    assert printed(text).keys == (ED,)


def test_fingerprints_are_what_some_images_print() -> None:
    found = printed(block(f"256 {PRINT} root@web (ED25519)", kind="FINGERPRINTS"))
    assert found == Printed((), (PRINT,))


@pytest.mark.parametrize("text", [
    "", BOOTING, f"-----BEGIN SSH HOST KEY KEYS-----\n{ED[:60]}", block(), block("ssh-ed25519 AAAA root@web"),
    f"{ED} outside of any block\n",
])
def test_nothing_is_taken_from_half_a_block_or_outside_of_one(text: str) -> None:
    assert not printed(text)


def test_a_block_that_is_there_twice_counts_once() -> None:
    assert printed(block(ED) + BOOTING + block(ED)).keys == (ED,)


def test_two_blocks_that_differ_are_refused() -> None:
    with pytest.raises(HostKeyRejected, match="different host keys"):
        printed(block(ED) + BOOTING + block(OTHER))


def test_the_tail_is_the_last_lines_that_say_something() -> None:
    assert tail("a\r\n\r\n  b  \r\n") == ["a", "  b"]
    assert len(tail("x\n" * 100)) == 15
