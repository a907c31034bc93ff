"""Every filter, test and lookup has an example, and the examples hold."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import provisioner.answers
import provisioner.template
import provisioner.vars
from provisioner.effects import answers as effect_answers
from provisioner.template import lookups
from provisioner.template.filters import FILTERS
from provisioner.template.passwords import sha_crypt
from provisioner.template.templar import Templar
from provisioner.template.tests import TESTS
from provisioner.values import Template, Value
from provisioner.vars.scope import Scope
from tests.template.examples import evaluator

MODULES = [*(importlib.import_module(found.name) for package in (provisioner.template, provisioner.vars)
             for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")),
           effect_answers, provisioner.answers]  # fmt: skip
LOOKUPS = {name: lookups.OWN.get(name) or effect_answers.ANSWERS.get(name) or provisioner.answers.config
           for name in {*lookups.OWN, *lookups.EFFECT_LOOKUPS}}  # fmt: skip

#: What real roles were seen to use, and the builtin ones that are pure.
WANTED_FILTERS = """
default bool length int comment join list trim regex_replace map flatten sort basename indent difference dirname first
select combine selectattr lower ternary mandatory replace split string items2dict rejectattr dict2items regex_search
to_nice_json b64encode b64decode splitext hash md5 sha1 checksum to_json from_json to_yaml to_nice_yaml from_yaml
from_yaml_all regex_findall regex_escape union intersect symmetric_difference unique zip zip_longest product
permutations combinations subelements quote type_debug password_hash to_datetime strftime human_readable
human_to_bytes urlsplit extract random shuffle rekey_on_member log pow root commonpath relpath normpath path_join
groupby min max sum to_uuid urlencode upper title capitalize reject unique last reverse round abs float
expanduser expandvars fileglob realpath win_basename win_dirname win_splitdrive
""".split()  # noqa: SIM905 - one name a line would be long
WANTED_TESTS = """
defined undefined version match in version_compare truthy failed none skipped success changed succeeded unreachable
started finished search regex subset superset contains any all falsy nan exists file directory link abs mapping
sequence string number integer float boolean iterable sameas even odd divisibleby eq ne lt gt le ge
is_same_file same_file uri url urn vault_encrypted vaulted_file
""".split()  # noqa: SIM905


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_examples_in_docstrings_hold(module: ModuleType, tmp_path: Path) -> None:
    assert doctest.testmod(module, extraglobs={"evaluate": evaluator(tmp_path)}).failed == 0


@pytest.mark.parametrize("kind", [FILTERS, TESTS, LOOKUPS, lookups.GLOBALS], ids=["filter", "test", "lookup", "global"])
def test_each_has_an_example(kind: Mapping[str, Callable[..., Any]]) -> None:
    ours = {name: function for name, function in kind.items() if function.__module__.startswith("provisioner.")}
    without = [name for name, function in ours.items() if ">>> " not in (function.__doc__ or "")]
    not_run = [name for name, function in ours.items()
               if vars(importlib.import_module(function.__module__)).get(function.__name__) is not function]
    assert (without, not_run) == ([], [])
    assert {function.__module__ for function in ours.values()} <= {module.__name__ for module in MODULES}


def test_every_filter_and_test_people_use_exists_with_and_without_prefix() -> None:
    environment = Templar().environment
    for name in {*WANTED_FILTERS, *FILTERS}:
        assert name in environment.filters
        assert "." in name or f"ansible.builtin.{name}" in environment.filters
    for name in {*WANTED_TESTS, *TESTS}:
        assert name in environment.tests
        assert "." in name or f"ansible.builtin.{name}" in environment.tests


@pytest.mark.parametrize(("source", "value"), [
    # Values that ansible-core 2.19 gives for the same expressions.
    ("{{ '10.5' | int }} {{ 'a' | int }} {{ '3' | float }}", "10 0 3.0"),
    ("{{ 'foobar' | regex_search('zz') }}", None),
    ("{{ 123456789 | human_readable(unit='K') }}", "120563.27 KB"),
    ("{{ '1024 MB' | human_to_bytes }}", 1073741824),
    ("{{ [3, 'a', None] | join(',') }}", "3,a,None"),
    ("{{ {'a': [1, {'b': 'x'}]} | to_nice_yaml }}", "a:\n- 1\n-   b: x\n"),
    ("{{ {'a': 1} | to_yaml }}", "{a: 1}\n"),
    ("{{ '1.10-rc1' is version('1.9', '>=') }}", True),
    ("{{ '1.0' is version('1.0.0', '==') }}", False),
    ("{{ ['a', 'b'] | map('extract', {'a': {'x': 1}, 'b': {'x': 2}}, 'x') }}", [1, 2]),
    ("{{ [1, 2, 3] | select('gt', 1) | list }}", [2, 3]),
    ("{{ [{'a': 1, 'n': 'x'}] | groupby('a') }}", [[1, [{"a": 1, "n": "x"}]]]),
    ("{{ '{{ x }}' | from_yaml_all if false else '{a: \"{{ x }}\"}' | from_yaml }}", {"a": "{{ x }}"}),
    ("{{ '</b>' | tojson }}", '"\\u003c/b\\u003e"'),
])
def test_filters_give_what_ansible_gives(source: str, value: Value) -> None:
    templar = Templar()
    assert templar.render(Template(source), Scope(templar, [])) == value


@pytest.mark.parametrize(("password", "salt", "kind", "rounds", "hashed"), [
    # From glibc's crypt(3); the first is a test vector of the specification.
    ("Hello world!", "saltstring", "sha512", None,
     "$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1"),
    ("pässwörd" * 9, "abc", "sha512", None,
     "$6$abc$qNXSr1bYnM0fIaoOQtfntWbVrHqEBk.c542h4K8yMGRVwcUOD/cDM7Y1SArJd7SWZCrjnney2ROt2U0nAb7tQ0"),
    ("Hello world!", "saltstring", "sha256", None,
     "$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5"),
    ("Hello world!", "saltstringsaltst", "sha256", 10_000,
     "$5$rounds=10000$saltstringsaltst$3xv.VbSHBb41AL9AvLeujZkZRBAwqFMz2.opqey6IcA"),
])
def test_password_hashes_are_those_of_glibc(password: str, salt: str, kind: str, rounds: int | None,
                                            hashed: str) -> None:
    assert sha_crypt(password, salt, kind, rounds) == hashed
