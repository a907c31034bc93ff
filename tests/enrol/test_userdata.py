from __future__ import annotations

import json
from dataclasses import replace
from email import message_from_string
from email.message import Message
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_ssh_private_key

from provisioner.cloud.model import HostSettings
from provisioner.enrol.throwaway import LIFE, throw_away
from provisioner.enrol.userdata import MERGE, UserDataError, check_size, user_data

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIG me@desk"
SETTINGS = HostSettings("deploy", keys=(KEY,))
KEYS = throw_away(1000.0)


def ours(text: str) -> Any:
    mark, _, rest = text.partition("\n")
    assert mark == "#cloud-config"
    return json.loads(rest)


def parts(own: str) -> list[Message]:
    whole = message_from_string(user_data(replace(SETTINGS, own_data=own)))
    payload = whole.get_payload()
    assert isinstance(payload, list)
    return [part for part in payload if isinstance(part, Message)]


def text_of(part: Message) -> str:
    content = part.get_payload(decode=True)
    assert isinstance(content, bytes)
    return content.decode()


def test_one_user_is_let_in_by_key_alone() -> None:
    made = ours(user_data(SETTINGS))
    assert made["users"] == [{"name": "deploy", "lock_passwd": True, "ssh_authorized_keys": [KEY],
                              "shell": "/bin/bash", "sudo": "ALL=(ALL) NOPASSWD:ALL"}]
    assert made["ssh_pwauth"] is False
    assert made["disable_root"] is True


def test_root_may_be_that_user() -> None:
    made = ours(user_data(HostSettings("root", keys=(KEY,))))
    assert made["users"] == [{"name": "root", "lock_passwd": True, "ssh_authorized_keys": [KEY]}]
    assert made["disable_root"] is False


def test_keys_of_the_image_are_deleted_and_the_host_makes_its_own() -> None:
    made = ours(user_data(SETTINGS))
    assert made["ssh_deletekeys"] is True
    assert made["ssh_genkeytypes"] == ["ed25519"]
    assert "ssh_keys" not in made


def test_a_throw_away_key_is_the_only_one_the_host_gets() -> None:
    made = ours(user_data(SETTINGS, KEYS))
    private = load_ssh_private_key(made["ssh_keys"]["ed25519_private"].encode(), None)
    public = private.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
    assert made["ssh_keys"]["ed25519_public"] == public + "\n"
    assert KEYS.expected.public == public
    assert made["ssh_genkeytypes"] == []


def test_a_throw_away_key_does_not_show_and_knows_its_age() -> None:
    assert "PRIVATE" not in repr(KEYS)
    assert KEYS.expected.age(1000.0 + LIFE) == LIFE
    assert throw_away(1000.0).expected.public != KEYS.expected.public


def test_the_same_settings_give_the_same_text() -> None:
    with_own = replace(SETTINGS, own_data="#!/bin/sh\ntrue\n")
    assert user_data(with_own, KEYS) == user_data(with_own, KEYS)


@pytest.mark.parametrize(("own", "kind"), [
    ("#!/bin/sh\necho hello\n", "text/x-shellscript"),
    ("#cloud-config\npackages: [htop]\n", "text/cloud-config"),
    ("#cloud-config-archive\n- type: text/plain\n", "text/cloud-config-archive"),
    ("## template: jinja\n#cloud-config\nruncmd: []\n", "text/jinja2"),
    ("#include\nhttps://example.com/x\n", "text/x-include-url"),
    ("#cloud-boothook\n#!/bin/sh\n", "text/cloud-boothook"),
])
def test_the_users_own_data_stands_behind_ours_as_what_it_is(own: str, kind: str) -> None:
    first, second = parts(own)
    assert first.get_content_type() == "text/cloud-config"
    assert ours(text_of(first))["users"][0]["name"] == "deploy"
    assert second.get_content_type() == kind
    assert text_of(second) == own


def test_lists_of_two_cloud_configs_are_joined_and_ours_wins() -> None:
    assert parts("#cloud-config\nssh_pwauth: true\n")[1]["Merge-Type"] == MERGE


def test_other_letters_than_english_ones_survive() -> None:
    own = "#cloud-config\nwrite_files: [{path: /etc/motd, content: Grüße}]\n"
    assert text_of(parts(own)[1]) == own


def test_parts_of_a_mime_message_are_taken_over() -> None:
    once = user_data(replace(SETTINGS, own_data="#!/bin/sh\necho one\n"))
    kinds = [part.get_content_type() for part in parts(once)]
    assert kinds == ["text/cloud-config", "text/cloud-config", "text/x-shellscript"]


def test_text_that_cloud_init_does_not_understand_is_refused() -> None:
    with pytest.raises(UserDataError, match="begins with 'packages: \\[htop\\]'") as caught:
        user_data(replace(SETTINGS, own_data="packages: [htop]\n"))
    assert "#cloud-config" in caught.value.hint


def test_what_is_too_large_is_refused_with_both_sizes() -> None:
    check_size("é" * 8, 16, "web-1")
    with pytest.raises(UserDataError, match="user data of web-1 has 18 bytes; the provider takes 16"):
        check_size("é" * 9, 16, "web-1")
