"""Lookups in files of the user's own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from provisioner.cli.main import main
from provisioner.effects import answer
from provisioner.ownlookups import OwnLookups
from provisioner.plugins import find_plugins
from provisioner.template.effects import OWN_LOOKUP, Effect, EffectFailed, KnownEffects, NeedEffect
from provisioner.template.templar import Templar
from provisioner.values import Secret, Template, Unknown, Value
from provisioner.vars.scope import Scope

RACKS = """
from ansible.errors import AnsibleError
from ansible.plugins.lookup import LookupBase
from ansible.utils.display import Display

DOCUMENTATION = '''
name: racks
options:
  _terms: {description: hosts}
  prefix: {default: rack, vars: [{name: rack_prefix}], env: [{name: RACK_PREFIX}]}
  first: {type: int, default: 1}
  needed: {required: true, default: x}
'''
display = Display()

class LookupModule(LookupBase):
    def run(self, terms, variables=None, **kwargs):
        self.set_options(var_options=variables, direct=kwargs)
        display.vvv("not shown")
        if "nowhere" in terms:
            raise AnsibleError("no rack for nowhere")
        prefix, first = self.get_option("prefix"), self.get_option("first")
        return [f"{prefix}-{term}-{number}" for number, term in enumerate(terms, first)]
"""
LOOK = """
from ansible.plugins.lookup import LookupBase

class LookupModule(LookupBase):
    def run(self, terms, variables, **kwargs):
        found = []
        for term in terms:
            value = variables
            for step in term.split("."):
                value = value[step]
            found.append(value)
        return found
"""


GIVEN = """
from ansible.plugins.lookup import LookupBase

class LookupModule(LookupBase):
    accept_args_markers = True
    def run(self, terms, variables, **kwargs):
        return terms
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "lookup_plugins").mkdir()
    for name, text in (("racks", RACKS), ("look", LOOK), ("dict", LOOK), ("given", GIVEN)):
        (tmp_path / f"lookup_plugins/{name}.py").write_text(text)
    return tmp_path


def evaluate(folder: Path, expression: str, **variables: Value) -> Value:
    paths = find_plugins([folder]).lookups
    templar, own = Templar(lookups=frozenset(paths)), OwnLookups(paths)
    known: dict[Effect, Value] = {}

    def answered(effect: Effect) -> Value:
        if effect.kind == OWN_LOOKUP:
            return own.answer(effect, [str(folder)], answered)
        return answer(effect, search_paths=[folder])

    while True:
        try:
            return templar.evaluate(expression, Scope(templar, [("vars", variables)], KnownEffects(dict(known))))
        except NeedEffect as need:
            effect = need.effect
        known[effect] = answered(effect)


@pytest.mark.parametrize(("expression", "value"), [
    ("lookup('racks', 'web1')", "rack-web1-1"),
    ("query('racks', 'a', 'b', prefix='r', first='7')", ["r-a-7", "r-b-8"]),
    ("query('ansible.legacy.racks', 'a')", ["rack-a-1"]),
    ("query('look', 'port', 'site.name')", [81, "shop"]),
    ("lookup('look', 'home')", "x"),  # a variable that asks the controller itself
    ("query('dict', 'port')", [81]), ("query('ansible.builtin.dict', {'a': 1})", [{"key": "a", "value": 1}]),
])
def test_they_are_given_terms_options_and_variables(folder: Path, expression: str, value: Value) -> None:
    (folder / "home.txt").write_text("x\n")
    assert evaluate(folder, expression, port=Template("{{ base + 1 }}"), base=80, site={"name": "shop"},
                    home=Template("{{ lookup('file', 'home.txt') }}")) == value  # fmt: skip


@pytest.mark.parametrize(("expression", "value"), [
    ("lookup('given', nothing, 42)[1]", 42),
    ("lookup('given', '{{ nothing }}', 42)[1]", 42),
    ("lookup('given', nothing, 42)[0] | default('none')", "none"),
    ("lookup('given', [nothing, 42])[1]", 42),
    ("lookup('given', {'a': nothing})['a'] | default('none')", "none"),
    ("lookup('racks', nothing) | default('none')", "none"),
    ("query('racks', 'web1', prefix=nothing) is undefined", True),
])
def test_what_is_undefined_is_passed_on_or_makes_the_result_undefined(
        folder: Path, expression: str, value: Value) -> None:  # fmt: skip
    assert evaluate(folder, expression) == value


def test_using_what_is_undefined_fails_in_a_lookup_as_elsewhere(folder: Path) -> None:
    with pytest.raises(EffectFailed, match="'nothing' is undefined"):
        evaluate(folder, "query('racks', [nothing])")


def test_options_are_given_by_variables_and_the_environment_too(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RACK_PREFIX", "env")
    assert evaluate(folder, "lookup('racks', 'a')") == "env-a-1"
    assert evaluate(folder, "lookup('racks', 'a')", rack_prefix=Template("{{ 'v' ~ 1 }}")) == "v1-a-1"


@pytest.mark.parametrize(("expression", "words"), [
    ("lookup('racks', 'nowhere')", "The lookup `racks` failed: no rack for nowhere"),
    ("lookup('racks', 'a', colour=1)", "The lookup `racks` failed: it has no option 'colour'"),
    ("lookup('racks', 'a', first='one')", "invalid literal"),
    ("lookup('look', 'gone')", "gone"), ("lookup('look', 'broken')", "'nothing' is undefined"),
])
def test_their_errors_are_told_with_their_name(folder: Path, expression: str, words: str) -> None:
    with pytest.raises(EffectFailed, match=words):
        evaluate(folder, expression, broken=Template("{{ nothing }}"))
    assert evaluate(folder, expression.replace(")", ", errors='ignore')"), broken=Template("{{ nothing }}")) is None


def test_what_is_made_of_a_secret_is_secret_and_a_failure_does_not_tell_it(folder: Path) -> None:
    for expression in ("query('look', 'word')", "query('racks', word)"):
        (made,) = evaluate(folder, expression, word=Secret("hunter2"))
        assert isinstance(made, Secret)
        assert "hunter2" in made.reveal()
    with pytest.raises(EffectFailed, match=r"^The lookup `look` failed$"):
        evaluate(folder, "query('look', word)", word=Secret("hunter2"))


def test_what_check_mode_cannot_know_makes_the_result_unknown(folder: Path) -> None:
    for expression in ("query('look', 'made')[0]", "query('racks', [made])[0]"):
        assert evaluate(folder, expression, made=Unknown("output of `make`")) == Unknown("output of `make`")


@pytest.mark.parametrize(("text", "words"), [
    ("x = 1\n", "no class `LookupModule`"), ("import no_such_package\n", "no_such_package"),
    ("class LookupModule:\n    def __init__(self, loader): pass\n    def run(self, terms, variables): return 5\n",
     "has to give a list, not int"),
])
def test_a_file_that_is_no_lookup_fails_the_task_that_uses_it(folder: Path, text: str, words: str) -> None:
    (folder / "lookup_plugins/wrong.py").write_text(text)
    assert evaluate(folder, "query('racks', 'a')") == ["rack-a-1"]
    with pytest.raises(EffectFailed, match=words):
        evaluate(folder, "query('wrong')")


def test_those_of_a_playbook_and_of_a_role_are_known_to_a_run(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(folder)
    monkeypatch.setenv("PROVISION_STATE_DIR", str(folder / "state"))
    (folder / "roles/r/lookup_plugins").mkdir(parents=True)
    (folder / "roles/r/lookup_plugins/more.py").write_text(LOOK)
    (folder / "site.yml").write_text("""
- hosts: localhost
  gather_facts: false
  tasks:
    - set_fact: {later: 5}
    - debug: {msg: "{{ item }} {{ lookup('more', 'later') }} {{ lookup('more', 'hostvars.localhost.group_names') }}"}
      with_racks: [a, b]
""")
    assert main(["apply", "site.yml", "--json"]) == 0
    events = map(json.loads, capsys.readouterr().out.splitlines())
    told = [event["result"]["msg"] for event in events if "item" in event]
    assert told == ["rack-a-1 5 []", "rack-b-2 5 []"]
