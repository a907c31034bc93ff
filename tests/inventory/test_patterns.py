"""Host patterns, with the answers of ansible-core 2.19."""

from __future__ import annotations

import pytest

from provisioner.diag import UsageError
from provisioner.inventory.model import Inventory
from tests.inventory.conftest import Files

HOSTS = """
    lone
    [web]
    w1
    w2
    w3
    [db]
    ::1
    db-a.example.com
    db-c.example.com
    [prod:children]
    web
    db
    [stage]
    w2
    s1
"""


@pytest.fixture
def inventory(files: Files) -> Inventory:
    return files.ini(HOSTS)


@pytest.mark.parametrize(("pattern", "hosts"), [
    ("all", "lone w2 s1 w1 w3 ::1 db-a.example.com db-c.example.com"),
    ("*", "lone w2 s1 w1 w3 ::1 db-a.example.com db-c.example.com"),
    ("web", "w1 w2 w3"), ("w1", "w1"), ("::1", "::1"), ("ungrouped", "lone"),
    ("stage:web", "w2 s1 w1 w3"), ("stage,web", "w2 s1 w1 w3"), ("web:&stage", "w2"), ("prod:!db", "w1 w2 w3"),
    ("!db", "lone w2 s1 w1 w3"), ("&stage", "w2 s1"), ("all:!web:!db", "lone s1"), ("&stage:web:!w1", "w2"),
    ("web[0]", "w1"), ("web[-1]", "w3"), ("web[0:1]", "w1 w2"), ("web[1:]", "w2 w3"), ("web[:1]", "w1 w2"),
    ("web[9]", ""), ("web[-9]", ""), ("web[1-2]", "w2 w3"), ("prod[0]:stage[1]", "w1 s1"),
    ("w*", "w1 w2 w3"), ("*.example.com", "db-a.example.com db-c.example.com"), ("w[12]", ""), ("w?", "w1 w2 w3"),
    ("~w[12]", "w1 w2"), ("~.*example", "db-a.example.com db-c.example.com"), ("~(w1|s1):&stage", "s1"),
    ("localhost", "localhost"), ("127.0.0.1", "127.0.0.1"), ("nope", ""), ("web:nope", "w1 w2 w3"), ("", ""),
])
def test_a_pattern_means_its_hosts(pattern: str, hosts: str, inventory: Inventory) -> None:
    assert inventory.hosts(pattern) == hosts.split()


def test_a_list_of_patterns_is_one_pattern(inventory: Inventory) -> None:
    assert inventory.hosts(["prod", "!db", "s1"]) == ["w1", "w2", "w3", "s1"]


def test_the_limit_cuts_down_and_keeps_the_order(inventory: Inventory, files: Files) -> None:
    assert inventory.hosts("prod", "stage,w1") == ["w1", "w2"]
    assert inventory.hosts("all", "!web") == ["lone", "s1", "::1", "db-a.example.com", "db-c.example.com"]
    files.write({"failed": "# from the last run\nw3\n\nw1\n"})
    assert inventory.hosts("all", "@failed") == ["w1", "w3"]


def test_a_name_that_matches_nothing_is_a_warning_with_a_near_name(inventory: Inventory) -> None:
    (warning,) = inventory.unmatched("wbe:db")
    assert (warning.severity, warning.hint) == ("warning", "did you mean `web`?")
    assert inventory.unmatched("all:web[0]:&stage:!w1") == ()


def test_a_limit_that_leaves_no_host_is_an_error(inventory: Inventory) -> None:
    inventory.check_limit("web")
    with pytest.raises(UsageError, match="matches none of the 8 hosts") as raised:
        inventory.check_limit("wbe")
    assert raised.value.hint == "did you mean `web`?"


@pytest.mark.parametrize("limit", ["@nowhere", "~["])
def test_a_limit_that_cannot_be_read_is_an_error(limit: str, inventory: Inventory) -> None:
    with pytest.raises(UsageError):
        inventory.check_limit(limit)
