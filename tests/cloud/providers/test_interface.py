"""What every provider has to keep, asked of each of them the same way."""

from __future__ import annotations

from contextlib import suppress

import pytest

from provisioner.cloud.errors import CloudError, Gone
from provisioner.cloud.model import KINDS, Kind, Ref
from tests.cloud.providers.beds import BEDS, NAMES, Bed


def test_the_account_is_told_and_stays_the_same(bed: Bed) -> None:
    assert bed.provider.account()
    assert bed.provider.account() == bed.provider.account()


def test_it_has_the_kinds_that_are_asked_about(request: pytest.FixtureRequest, bed: Bed) -> None:
    assert tuple(bed.provider.kinds) == BEDS[request.node.callspec.params["bed"]]


def test_a_new_site_has_nothing(bed: Bed) -> None:
    assert bed.provider.found("shop") == []
    assert "shop" not in bed.provider.sites()


def test_what_was_created_is_found_as_it_was_wanted(bed: Bed, kind: Kind) -> None:
    """A plan of the same site says: no changes."""
    wanted = bed.wanted(kind)
    made = bed.make(wanted)
    found = bed.one(wanted.ref)
    compared = {name: value for name, value in wanted.fields.items()
                if name in bed.provider.effects[kind] and value is not None}
    assert {name: found.fields.get(name) for name in compared} == compared
    assert {name: made.fields.get(name) for name in compared} == compared
    assert (found.id, found.place) == (made.id, bed.place)


def test_every_compared_field_is_named_in_an_example(bed: Bed, kind: Kind) -> None:
    assert set(bed.provider.effects[kind]) <= set(bed.fields[kind])


def test_it_has_its_tags_from_the_first_moment(bed: Bed) -> None:
    wanted = bed.wanted("machine")
    for need in wanted.needs:
        bed.make(bed.wanted(need.kind, need.name))
    made = bed.provider.create(bed.order(wanted, generation=3))
    found = bed.one(wanted.ref)
    assert (made.generation, found.generation) == (3, 3)
    assert found.fields["keys"] == wanted.fields["keys"]


def test_the_same_token_gives_the_same_resource(bed: Bed, kind: Kind) -> None:
    wanted = bed.wanted(kind)
    made = bed.make(wanted, token="once")
    again = bed.provider.create(bed.order(wanted, token="once"))
    assert again.id == made.id
    bed.one(wanted.ref)


def test_an_answer_that_is_lost_makes_nothing_twice(bed: Bed, kind: Kind) -> None:
    wanted = bed.wanted(kind)
    for need in wanted.needs:
        bed.make(bed.wanted(need.kind, need.name))
    bed.lose_answer(kind)
    with suppress(CloudError):  # then the next run creates again, with the token that its journal has
        bed.provider.create(bed.order(wanted, token="lost"))
    made = bed.provider.create(bed.order(wanted, token="lost"))
    assert bed.one(wanted.ref).id == made.id


def test_two_of_one_name_are_both_listed(bed: Bed) -> None:
    wanted = bed.wanted("machine")
    first = bed.make(wanted, token="mine")
    second = bed.ready(bed.provider.create(bed.order(wanted, token="theirs")))
    listed = {each.id for each in bed.there() if each.ref == wanted.ref}
    assert listed == {first.id, second.id}
    assert len(listed) == 2


def test_fields_are_changed(bed: Bed, kind: Kind) -> None:
    for name, value in bed.changes.get(kind, {}).items():
        before = bed.wanted(kind)
        found = bed.known.get(before.ref) or bed.make(before)
        after = bed.wanted(kind, **{**found.fields, name: value})
        assert found.fields.get(name) != value, name
        changed = bed.ready(bed.provider.update(found, after, [name], bed.known))
        assert changed.fields[name] == value, name
        assert bed.one(before.ref).fields[name] == value, name
        assert changed.id == found.id
        bed.known[before.ref] = changed


def test_a_change_may_be_made_again(bed: Bed, kind: Kind) -> None:
    found = bed.make(bed.wanted(kind))
    changes = bed.changes.get(kind, {})
    after = bed.wanted(kind, **{**found.fields, **changes})
    for _ in range(2):
        changed = bed.provider.update(found, after, list(changes), bed.known) if changes else found
    assert {name: changed.fields[name] for name in changes} == dict(changes)


def test_memories_are_kept_and_changed(bed: Bed) -> None:
    wanted = bed.wanted("machine")
    found = bed.make(wanted)
    memories = ("image", "keys", "user_data", "user", "groups")
    assert {name: found.fields[name] for name in memories} == {name: wanted.fields[name] for name in memories}
    after = bed.wanted("machine", keys="fedcba9876543210", groups="")
    bed.provider.update(found, after, ["keys", "groups"], bed.known)
    now = bed.one(wanted.ref).fields
    assert (now["keys"], now["groups"], now["user"]) == ("fedcba9876543210", "", wanted.fields["user"])


def test_a_machine_is_stopped_and_started(bed: Bed) -> None:
    wanted = bed.wanted("machine")
    found = bed.make(wanted)
    stopped = bed.provider.update(found, bed.wanted("machine", running=False), ["running"], bed.known)
    assert (stopped.status, stopped.fields["running"]) == ("stopped", False)
    assert bed.one(wanted.ref).status == "stopped"
    started = bed.ready(bed.provider.update(stopped, wanted, ["running"], bed.known))
    assert (started.status, started.fields["running"], started.id) == ("running", True, found.id)


def test_a_delete_may_be_made_again(bed: Bed, kind: Kind) -> None:
    found = bed.make(bed.wanted(kind))
    bed.provider.delete(found)
    bed.provider.delete(found)
    assert found.ref not in {each.ref for each in bed.there()}
    with pytest.raises(Gone):
        bed.provider.look(found)


def test_another_attempt_after_a_delete_is_another_resource(bed: Bed) -> None:
    wanted = bed.wanted("machine")
    first = bed.make(wanted)
    bed.provider.delete(first)
    second = bed.make(wanted, generation=2)
    assert second.id != first.id
    assert bed.one(wanted.ref).id == second.id


def test_a_partial_listing_is_refused(bed: Bed) -> None:
    bed.make(bed.wanted("machine"))
    bed.break_listing()
    with pytest.raises(CloudError):
        bed.provider.found("shop")


def test_sites_do_not_see_each_other(bed: Bed) -> None:
    mine = bed.make(bed.wanted("machine"))
    bed.known.clear()
    theirs = bed.make(bed.wanted("machine"), site="other")
    assert mine.id in {each.id for each in bed.there()}
    assert theirs.id not in {each.id for each in bed.there()}
    assert {"shop", "other"} <= set(bed.provider.sites())


def test_what_would_be_refused_is_known_before(bed: Bed) -> None:
    machines = [bed.wanted("machine"), bed.wanted("machine", "odd", image="plan9-4"),
                bed.wanted("machine", "huge", size="zx81.huge")]
    foresight = bed.provider.foresee(machines)
    assert [ref.name for ref, _ in foresight.problems] == ["odd", "huge"]
    assert all(words for _, words in foresight.problems)
    assert foresight.images[machines[0].ref]
    assert bed.there() == []


def test_the_console_and_the_keys_are_told_as_enrolment_needs(bed: Bed) -> None:
    found = bed.make(bed.wanted("machine"))
    assert isinstance(bed.provider.console(found), str)
    assert bool(bed.provider.host_keys(found)) == (bed.provider.enrolment == "given")


def test_a_whole_site_comes_and_goes(bed: Bed) -> None:
    kinds = [kind for kind in KINDS if kind in bed.provider.kinds]
    for kind in kinds:
        bed.make(bed.wanted(kind))
    assert {each.ref for each in bed.there()} == {Ref(kind, NAMES[kind]) for kind in kinds}
    for kind in reversed(kinds):
        bed.provider.delete(bed.known[Ref(kind, NAMES[kind])])
    assert bed.there() == []
