"""Roles: where they are found, what they bring, how often they run."""

from __future__ import annotations

import pytest

from provisioner.diag import InputError
from provisioner.lang.model import Include, Play
from provisioner.lang.roles import LoadedRole
from provisioner.values import Template
from tests.lang.conftest import Site
from tests.lang.test_build import tasks_of


def role_names(play: Play) -> list[str]:
    """The roles in the order their tasks run (each has one task) on a host that skips none."""
    roles = [task.role for task in tasks_of(play.roles) if task.role]
    uses = [role.identity for role in roles]
    return [role.name for number, role in enumerate(roles) if not role.once or role.identity not in uses[:number]]


def simple(*names: str) -> dict[str, str]:
    return {f"roles/{name}/tasks/main.yml": "- ping:\n" for name in names}


def test_a_role_brings_tasks_handlers_defaults_and_vars(site: Site) -> None:
    site.write({
        "roles/web/tasks/main.yml": "- ping:\n- import_tasks: more.yml\n", "roles/web/tasks/more.yml": "- debug:\n",
        "roles/web/handlers/main.yml": "- name: reload\n  ping:\n",
        "roles/web/defaults/main.yml": "port: 80\nname: '{{ x }}'\n", "roles/web/vars/main.yaml": "user: www\n",
    })
    play = site.play("- hosts: all\n  roles: [web]\n")
    first, second = tasks_of(play.roles)
    role = first.role
    assert role is not None
    assert second.role is role
    assert (role.name, role.path) == ("web", "roles/web")
    assert role.defaults["port"] == 80
    assert isinstance(role.defaults["name"], Template)
    assert role.vars == {"user": "www"}
    assert (first.file, second.file) == ("roles/web/tasks/main.yml", "roles/web/tasks/more.yml")
    (section,) = play.handlers
    assert section.role is role
    assert [handler.name for handler in tasks_of(section.handlers)] == ["reload"]
    assert list(play.used_roles) == [role]


def test_an_import_may_say_where_its_role_is(site: Site) -> None:
    site.write({"roles/r/tasks/main.yml": "- import_tasks: '{{ role_path }}/more/{{ role_name }}.yml'\n",
                "roles/r/more/r.yml": "- import_tasks: '{{ playbook_dir }}/own.yml'\n", "own.yml": "- ping:\n"})
    (task,) = tasks_of(site.play("- hosts: all\n  roles: [r]\n").roles)
    assert task.file.endswith("/own.yml")


def test_a_dependency_that_has_run_still_gives_its_variables(site: Site) -> None:
    needs = "dependencies: [common]\n"
    site.write({**simple("a", "b", "common"), "roles/a/meta/main.yml": needs, "roles/b/meta/main.yml": needs,
                "roles/common/vars/main.yml": "v: common\n"})
    play = site.play("- hosts: all\n  roles: [a, b]\n")
    assert role_names(play) == ["common", "a", "b"]
    (of_b,) = [role for role in play.used_roles if role.name == "common" and role.parents[0].name == "b"]
    assert of_b.vars == {"v": "common"}


def test_a_part_of_a_role_may_be_a_directory_of_files(site: Site) -> None:
    site.write({**simple("r"), "roles/r/defaults/main/a.yml": "x: 1\ny: 1\n", "roles/r/defaults/main/b.yml": "y: 2\n",
                "roles/r/defaults/main/.hidden.yml": "z: 1\n", "roles/r/defaults/main/c.yml~": "z: 1\n"})
    (role,) = site.play("- hosts: all\n  roles: [r]\n").used_roles
    assert role.defaults == {"x": 1, "y": 2}


def test_an_entry_may_have_keywords_vars_and_params(site: Site) -> None:
    site.write({**simple("r"), "roles/r/vars/main.yml": "v: file\nw: file\n"})
    play = site.play("""
        - hosts: all
          roles:
            - role: r
              when: cond
              tags: t
              become: true
              vars: {v: entry}
              p: 1
    """)
    (task,) = tasks_of(play.roles)
    assert task.role is not None
    assert (task.role.params, task.role.vars) == ({"p": 1}, {"v": "file", "w": "file"})
    assert task.vars == ({"v": "entry"},)
    assert [condition.source for condition in task.when] == ["cond"]
    assert (set(task.tags), task.become.enabled) == ({"t"}, True)


DEPENDENCY = {**simple("ra", "rb", "rc"), "roles/rb/meta/main.yml": "dependencies: [ra]\n",
              "roles/rc/meta/main.yml": "dependencies:\n  - {role: ra, when: dep}\n"}


@pytest.mark.parametrize(("roles", "order"), [
    ("[ra, rb, {role: ra, p: 1}, ra]", ["ra", "rb", "ra"]),
    ("[rb, ra]", ["ra", "rb"]),
    ("[ra, ra]", ["ra"]),
    ("[{role: ra, p: {a: [1]}}, {role: ra, p: {a: [1]}}, {role: ra, p: {a: ['1']}}]", ["ra", "ra"]),
    ("[{role: ra, p: '{{ x }}'}, {role: ra, p: '{{ x }}'}]", ["ra"]),
    ("[{role: ra, vars: {p: 1}}, {role: ra, vars: {p: 2}}]", ["ra", "ra"]),
    # A role that may be skipped in one place must not be lost in the other.
    ("[{role: ra, when: a}, {role: ra, when: b}]", ["ra", "ra"]),
    ("[{role: ra, when: a}, ra]", ["ra", "ra"]),
    ("[ra, {role: ra, when: a}]", ["ra", "ra"]),
    ("[{role: ra, when: a}, {role: ra, when: a}]", ["ra"]),
    ("[{role: rb, when: a}, ra]", ["ra", "rb"]),
    ("[{role: ra, tags: c}, {role: ra, tags: [c]}]", ["ra"]),
    ("[{role: rb, tags: b}, ra]", ["ra", "rb"]),
    ("[{role: rb, tags: b}, {role: ra, tags: c}]", ["ra", "rb", "ra"]),
    ("[rc, rb]", ["ra", "rc", "ra", "rb"]),
])
def test_the_same_role_in_the_same_way_runs_once_dependencies_first(roles: str, order: list[str], site: Site) -> None:
    site.write(DEPENDENCY)
    assert role_names(site.play(f"- hosts: all\n  roles: {roles}\n")) == order


def test_allow_duplicates_lets_a_role_run_again(site: Site) -> None:
    site.write({**simple("ra"), "roles/ra/meta/main.yml": "allow_duplicates: true\n"})
    assert role_names(site.play("- hosts: all\n  roles: [ra, ra]\n")) == ["ra", "ra"]


def test_each_play_starts_anew(site: Site) -> None:
    site.write(simple("ra"))
    plays = site.load("- hosts: all\n  roles: [ra]\n- hosts: all\n  roles: [ra]\n").plays
    assert [role_names(play) for play in plays] == [["ra"], ["ra"]]


def test_a_dependency_has_the_keywords_of_the_role_that_needs_it_and_knows_it(site: Site) -> None:
    site.write(DEPENDENCY)
    first, _ = tasks_of(site.play("- hosts: all\n  roles: [{role: rc, when: outer, tags: t}]\n").roles)
    assert [condition.source for condition in first.when] == ["outer", "dep"]
    assert set(first.tags) == {"t"}
    assert first.role is not None
    assert [parent.name for parent in first.role.parents] == ["rc"]


def test_handlers_of_roles_come_in_load_order_before_those_of_the_play(site: Site) -> None:
    site.write({**DEPENDENCY, "roles/ra/handlers/main.yml": "- name: a\n  ping:\n",
                "roles/rb/handlers/main.yml": "- name: b\n  ping:\n"})
    play = site.play("- hosts: all\n  handlers:\n    - name: own\n      ping:\n  roles: [rb]\n")
    assert [section.role.name if section.role else None for section in play.handlers] == ["ra", "rb", None]


def test_import_role_puts_its_tasks_in_place(site: Site) -> None:
    site.write({"roles/r/tasks/other.yml": "- ping:\n", "roles/r/tasks/main.yml": "- debug:\n",
                "roles/r/vars/special.yml": "v: 1\n", "roles/r/handlers/main.yml": "- name: h\n  ping:\n"})
    play = site.play("""
        - hosts: all
          tasks:
            - import_role: {name: r, tasks_from: other, vars_from: special.yml}
              tags: t
              vars: {w: 1}
            - import_role: {name: r, tasks_from: other}
    """)
    first, second = tasks_of(play.tasks)
    assert (first.module, set(first.tags), first.vars) == ("ping", {"t"}, ({"w": 1},))
    assert first.role is not None
    assert first.role.vars == {"v": 1}
    assert second.module == "ping"  # an import always runs
    assert len(play.handlers) == 2
    assert [role.name for role in play.used_roles] == ["r", "r"]


def test_roles_are_searched_in_order(site: Site) -> None:
    site.write({"elsewhere/far/tasks/main.yml": "- ping:\n", "near/tasks/main.yml": "- ping:\n", **simple("usual")})
    play = site.play("- hosts: all\n  roles: [usual, far, near, ./elsewhere/far]\n", roles_path=("elsewhere",))
    assert [role.path for role in play.used_roles] == ["roles/usual", "elsewhere/far", "near", "elsewhere/far"]
    assert role_names(play) == ["usual", "far", "near"]


def test_a_role_of_a_collection_is_found_beside_the_playbook_and_in_the_collections_path(site: Site) -> None:
    paths = ["collections/ansible_collections/ns/col/roles/near", "shelf/ansible_collections/ns/col/roles/far"]
    site.write({f"{path}/tasks/main.yml": "- ping:\n" for path in paths})
    play = site.play("- hosts: all\n  roles: [ns.col.near, ns.col.far]\n", collections_path=("shelf",))
    assert [role.name for role in play.used_roles] == ["ns.col.near", "ns.col.far"]
    assert [role.path for role in play.used_roles] == paths


#: A wrong role or entry → place and words.
WRONG: dict[str, tuple[str, str]] = {
    "[nope]": ("site.yml:2:11", "looked for `roles/nope`, `more/nope`, `nope`"),
    "[a.b.c]": ("site.yml:2:11", "looked for `collections/ansible_collections/a/b/roles/c`"),
    "{a: 1}": ("site.yml:2:10", "a list of roles"),
    "[[x]]": ("site.yml:2:11", "a name or a mapping"),
    "[{tags: x}]": ("site.yml:2:11", "No role name"),
    "['{{ x }}']": ("site.yml:2:11", "Not known at load"),
    "[circle]": ("roles/back/meta/main.yml:1:16", "roles/circle → roles/back → roles/circle"),
    "[badmeta]": ("roles/badmeta/meta/main.yml:1:15", "a list of roles"),
    "[badvars]": ("roles/badvars/vars/main.yml:1:1", "must be a mapping"),
    "[badtasks]": ("roles/badtasks/tasks/main.yml:2:3", "did you mean `when`"),
}


@pytest.mark.parametrize("roles", WRONG)
def test_a_mistake_in_a_role_is_told_where_it_is(roles: str, site: Site) -> None:
    site.write({**simple("circle", "back", "badmeta", "badvars"),
                "roles/circle/meta/main.yml": "dependencies: [back]\n",
                "roles/back/meta/main.yml": "dependencies: [circle]\n",
                "roles/badmeta/meta/main.yml": "dependencies: x\n",
                "roles/badvars/vars/main.yml": "[a]\n", "roles/badtasks/tasks/main.yml": "- ping:\n  wehn: x\n"})
    (item,) = site.mistakes(f"- hosts: all\n  roles: {roles}\n", roles_path=("more",))
    place, words = WRONG[roles]
    assert str(item.span) == place
    assert words in str(item)


def test_the_name_of_a_part_must_be_a_text(site: Site) -> None:
    site.write(simple("r"))
    (item,) = site.mistakes("- hosts: all\n  tasks:\n    - include_role: {name: r, vars_from: [a.yml]}\n")
    assert "Expected a string for vars_from but got ['a.yml']" in str(item)


def test_a_missing_part_that_is_asked_for_is_told(site: Site) -> None:
    site.write(simple("r"))
    (item,) = site.mistakes("- hosts: all\n  tasks:\n    - import_role: {name: r, tasks_from: nope}\n")
    assert item.detail == "role `r` has no tasks `nope`; looked for `roles/r/tasks/nope`"


def test_a_part_outside_of_the_role_is_not_found(site: Site) -> None:
    site.write({**simple("r"), "outside.yml": "- ping:\n"})
    text = "- hosts: all\n  tasks:\n    - import_role: {name: r, tasks_from: ../../../outside.yml}\n"
    assert "is not inside the expected role path: 'roles/r'" in site.mistakes(text)[0].detail


def included(site: Site, task: str, args: dict[str, object]) -> LoadedRole:
    play = site.play(f"- hosts: all\n  tags: play\n  tasks:\n    - {task}\n")
    (include,) = play.tasks
    assert isinstance(include, Include)
    return site.loader().role(include, args)


def test_include_role_gives_tasks_handlers_and_the_role(site: Site) -> None:
    site.write({**DEPENDENCY, "roles/rb/handlers/main.yml": "- name: h\n  ping:\n"})
    loaded = included(site, "include_role: {name: rb, apply: {become: true}}", {"name": "rb"})
    assert [task.role.name for task in tasks_of(loaded.nodes) if task.role] == ["ra", "rb"]
    assert loaded.role is not None
    assert (loaded.role.name, loaded.role.public, loaded.roles) == ("rb", False, ())
    assert [section.role.name for section in loaded.sections if section.role] == ["rb"]
    assert all(task.become.enabled is True and set(task.tags) == {"play"} for task in tasks_of(loaded.nodes))


def test_a_public_include_role_shows_its_variables_to_the_play(site: Site) -> None:
    site.write(DEPENDENCY)
    loaded = included(site, "include_role: {name: rb}", {"name": "rb", "public": True})
    assert [role.name for role in loaded.roles] == ["ra", "rb"]


def test_a_missing_included_role_is_told_when_it_is_reached(site: Site) -> None:
    with pytest.raises(InputError, match="there is no role `nope`"):
        included(site, "include_role: {name: '{{ x }}'}", {"name": "nope"})


def test_a_role_may_import_another_part_of_itself(site: Site) -> None:
    site.write({"roles/r/tasks/main.yml": "- import_role: {name: r, tasks_from: other}\n",
                "roles/r/tasks/other.yml": "- ping:\n", "roles/s/tasks/main.yml": "- import_role: {name: s}\n"})
    assert role_names(site.play("- hosts: all\n  roles: [r]\n")) == ["r"]
    (item,) = site.mistakes("- hosts: all\n  roles: [s]\n")
    assert item.detail == "roles/s → roles/s"
