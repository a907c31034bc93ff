"""Debian's package database and version order."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioner.remote.dpkg import Database, compare_versions, parse_wish

STATUS = b"""Package: curl
Status: install ok installed
Architecture: amd64
Version: 7.88.1-10+deb12u5
Provides: http-client
Description: a tool
 with Package: in its description

Package: curlftpfs
Status: deinstall ok config-files
Architecture: amd64
Version: 0.9.2-9

Package: libc6
Status: install ok installed
Architecture: amd64
Version: 2.36-9

Package: libc6
Status: install ok half-configured
Architecture: i386
Version: 2.36-8

Package: mawk
Status: install ok installed
Architecture: amd64
Version: 1.3.4
Provides: awk, posix-awk (= 1)

Package: gone
Status: deinstall ok not-installed
Architecture: amd64

Package: postfix
Status: hold ok installed
Architecture: amd64
Version: 3.7
Provides: default-mta, mail-transport-agent
"""


@pytest.fixture
def database() -> Database:
    return Database(STATUS)


def test_finds_a_package_by_its_whole_name_only(database: Database) -> None:
    curl = database.find("curl")
    assert curl is not None
    assert (curl.version, curl.is_installed, curl.hold) == ("7.88.1-10+deb12u5", True, False)
    assert database.find("cur") is None
    assert database.find("with") is None


def test_removed_packages_are_not_installed(database: Database) -> None:
    left = database.find("curlftpfs")
    assert left is not None
    assert (left.state, left.is_installed) == ("config-files", False)


def test_prefers_the_architecture_that_is_installed(database: Database) -> None:
    for name, version in (("libc6", "2.36-9"), ("libc6:amd64", "2.36-9"), ("libc6:i386", "2.36-8")):
        found = database.find(name)
        assert found is not None
        assert found.version == version
    assert database.find("libc6:arm64") is None


@pytest.mark.parametrize(
    ("name", "provider"),
    [
        ("awk", "mawk"),
        ("posix-awk", "mawk"),
        ("http-client", "curl"),
        ("mail-transport-agent", "postfix"),
        ("mail", None),
        ("posix", None),
        ("transport", None),
    ],
)
def test_finds_who_provides_a_virtual_package(database: Database, name: str, provider: str | None) -> None:
    found = database.provider(name)
    assert (found.name if found else None) == provider


def test_patterns_match_what_is_on_the_host(database: Database) -> None:
    assert [package.name for package in database.matching("curl*")] == ["curl", "curlftpfs"]
    assert database.matching("go*") == []


def test_knows_what_an_interrupted_dpkg_left_behind() -> None:
    assert Database(STATUS).broken() == []  # libc6:i386 is half configured, libc6:amd64 is what counts
    assert Database(STATUS.replace(b"ok installed", b"ok unpacked")).broken() == ["curl", "libc6", "mawk", "postfix"]


def test_the_journal_of_an_interrupted_dpkg_overrides_the_status() -> None:
    later = b"\n\nPackage: curl\nStatus: install ok unpacked\nArchitecture: amd64\nVersion: 8\n"
    curl = Database(STATUS + later).find("curl")
    assert curl is not None
    assert (curl.version, curl.state) == ("8", "unpacked")


def test_an_empty_database_has_nothing() -> None:
    empty = Database(b"")
    assert empty.find("curl") is None
    assert empty.provider("awk") is None
    assert empty.broken() == []


# Sorted as deb-version(7) has it.
ORDER = [
    "0~rc1",
    "0",
    "0-1",
    "0a",
    "0.1~",
    "0.1",
    "0.1-1~bpo1",
    "0.1-1",
    "0.1-1+b1",
    "0.1-1.1",
    "0.9",
    "0.10",
    "1.0~beta1~svn1",
    "1.0~beta1",
    "1.0",
    "1.0a",
    "1.0+b",
    "1.0.0",
    "7.88.1-10+deb12u5",
    "7.88.1-10+deb12u14",
    "1:0.1",
    "2:0",
]


@pytest.mark.parametrize(("left", "right"), list(itertools.combinations(range(len(ORDER)), 2)))
def test_versions_are_ordered_as_dpkg_does(left: int, right: int) -> None:
    assert compare_versions(ORDER[left], ORDER[right]) == -1
    assert compare_versions(ORDER[right], ORDER[left]) == 1


@given(st.text("0123456789.~+-:abz", min_size=1, max_size=12))
def test_a_version_equals_itself(version: str) -> None:
    assert compare_versions(version, version) == 0


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("curl", ("curl", "", "")),
        ("libc6:i386", ("libc6:i386", "", "")),
        ("g++", ("g++", "", "")),
        ("libstdc++6", ("libstdc++6", "", "")),
        ("nginx=1.22.*", ("nginx", "=", "1.22.*")),
        ("nginx>=1:1.2~rc1-1", ("nginx", ">=", "1:1.2~rc1-1")),
        ("php8.*", ("php8.*", "", "")),
    ],
)
def test_reads_how_packages_are_named(text: str, parts: tuple[str, str, str]) -> None:
    assert parse_wish(text) == parts


@pytest.mark.parametrize(
    "text",
    ["", "-y", "--purge", "curl-", "curl;id", "$(id)", "a/b", "../x", "curl\n", "`id`", "curl=", "^tasks", "a\0"],
)
def test_refuses_what_is_no_name(text: str) -> None:
    assert parse_wish(text) is None


@given(st.text(max_size=20))
def test_nothing_that_is_accepted_can_be_an_option_or_a_removal(text: str) -> None:
    wish = parse_wish(text)
    if wish is not None:
        assert not wish.name.startswith("-")
        assert not wish.name.endswith("-")
        assert not set(str(wish)) & set(" \n\0;$`'\"\\|&/")


@pytest.mark.parametrize(
    ("wish", "version", "allowed"),
    [
        ("x=1.*", "1.5", True),
        ("x=1.*", "2.0", False),
        ("x=1.5", "1.5", True),
        ("x>=1.9", "1.10", True),
        ("x>=1.9", "1.9~", False),
        ("x", "1", True),
    ],
)
def test_a_version_is_allowed_or_not(wish: str, version: str, allowed: bool) -> None:
    parsed = parse_wish(wish)
    assert parsed is not None
    assert parsed.allows(version) is allowed


def test_agrees_with_the_host_it_runs_on() -> None:
    status = Path("/var/lib/dpkg/status")
    if not status.exists():
        return
    database = Database(status.read_bytes())
    dpkg = database.find("dpkg")
    assert dpkg is not None
    assert dpkg.is_installed
