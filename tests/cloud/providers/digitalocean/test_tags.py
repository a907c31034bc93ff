"""What tags and names hold, and give back."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioner.cloud.errors import Refused
from provisioner.cloud.providers.digitalocean import names, tags

ALLOWED = re.compile(r"[a-zA-Z0-9_:-]{1,255}")
texts = st.text(min_size=1, max_size=12)


@given(texts, texts)
def test_what_is_put_into_a_tag_comes_out_of_it(kind: str, text: str) -> None:
    made = tags.tag(kind, text)
    assert ALLOWED.fullmatch(made)
    assert made == made.lower()
    assert tags.value([made, "other"], kind) == text


@given(st.dictionaries(texts.filter(lambda key: key.lower() != "provision"), st.text(max_size=12), max_size=3))
def test_the_users_tags_come_back_as_they_were(wanted: dict[str, str]) -> None:
    made = tags.own_tags(wanted)
    assert all(ALLOWED.fullmatch(each) for each in made)
    assert tags.own([*made, tags.tag("site", "shop"), tags.PROTECTED]) == wanted


def test_what_the_user_writes_can_be_read_in_the_control_panel() -> None:
    assert tags.own_tags({"env": "production", "Team": "Web Shop", "blue": ""}) == ["env:production", "Team:Web_20Shop",
                                                                                  "blue"]


def test_tags_of_others_are_given_as_well_as_they_can_be() -> None:
    assert tags.own(["blue", "k8s:worker:1", "web_server"]) == {"blue": "", "k8s": "worker:1", "web_server": ""}


@pytest.mark.parametrize("wanted", [{"provision": "x"}, {"": "x"}, {"a": "x" * 255}])
def test_tags_that_can_not_be_are_refused(wanted: dict[str, str]) -> None:
    with pytest.raises(Refused):
        tags.own_tags(wanted)


def test_a_change_adds_before_it_takes_away_and_leaves_the_rest() -> None:
    present = [tags.tag("site", "shop"), tags.tag("groups", "web"), tags.tag("keys", "0"), "env:a", "k8s"]
    assert tags.changes(present, [tags.tag("groups", "db")], ["groups"]) == (
        [tags.tag("groups", "db")], [tags.tag("groups", "web")])
    assert tags.changes(present, ["env:b"], ["tags"]) == (["env:b"], ["env:a", "k8s"])
    assert tags.changes([tags.PROTECTED], [], ["protected"]) == ([], [tags.PROTECTED])


def test_what_an_interrupted_change_left_twice_differs_from_both() -> None:
    assert tags.memory([tags.tag("keys", "0"), tags.tag("keys", "1")], "keys") == "0+1"


@given(texts, texts, texts)
def test_what_is_put_into_a_name_comes_out_of_it(site: str, name: str, region: str) -> None:
    made = names.full(site, name, region)
    assert re.fullmatch(r"[a-zA-Z0-9][a-zA-Z0-9.-]+", made)
    assert names.parts(made) == (site, name, region)


def test_a_name_of_one_site_is_not_taken_for_anothers() -> None:
    assert names.full("shop", "eu-web", "fra1") != names.full("shop-eu", "web", "fra1")
    assert names.full("shop", "web", "fra1") == "provision-shop--web--fra1"
    assert names.parts("provision-shop-web") is None
    assert names.parts("my-firewall") is None
