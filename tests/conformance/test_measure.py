"""What is counted, and when a target counts as equal."""

from __future__ import annotations

from pathlib import Path

from tests.conformance.measure import Measured, counted
from tests.conformance.place import prepare
from tests.conformance.yardstick import QUICK, Target, targets

TOLD = """
ok: [h] => {
    "msg": "All assertions passed"
}
PLAY RECAP *********
h                          : ok=3    changed=1    unreachable=0    failed=0    skipped=2    rescued=0    ignored=1
i                          : ok=2    changed=0    unreachable=0    failed=1    skipped=0    rescued=0    ignored=0
"""


def a_target(counts: tuple[int | None, ...], *, passes: bool = True) -> Target:
    return Target("blocks:a.yml", "local", passes, counts, "hosts", ("A=1 2",), "true")


def test_the_recaps_of_all_hosts_are_summed() -> None:
    assert counted(TOLD) == (5, 1, 2, 1, 1)


def test_an_assert_with_a_loop_counts_once_and_only_if_every_item_passed() -> None:
    item = 'ok: [h] => (item=1) => {\n    "msg": "All assertions passed"\n}\n'
    assert counted(f"TASK [a] ***\n{item}{item}TASK [b] ***\n{item}")[-1] == 2
    assert counted(f"TASK [a] ***\n{item}failed: [h] (item=2) => {{}}\n")[-1] == 0


def test_a_target_is_equal_when_its_status_and_every_known_count_are() -> None:
    def equal(target: Target, *, passed: bool) -> bool:
        return Measured(target, passed, (5, 1, 2, 1, 1), 1.0, "").equal

    assert equal(a_target((5, 1, 2, 1, 1)), passed=True)
    assert equal(a_target((None,) * 5), passed=True)
    assert not equal(a_target((5, 1, 2, 1, 0)), passed=True)
    assert not equal(a_target((5, 1, 2, 1, 1)), passed=False)
    assert equal(a_target((5, 1, 2, 1, 1), passes=False), passed=False)


def test_the_quick_subset_is_made_of_named_targets_that_need_no_host() -> None:
    assert {target.name for target in targets() if target.mode == "local"} >= QUICK


def test_a_place_has_the_shim_an_inventory_and_the_script(tmp_path: Path) -> None:
    sources, place = tmp_path / "sources", tmp_path / "place"
    (sources / "test/integration/targets/blocks").mkdir(parents=True)
    place.mkdir()
    box = prepare(a_target((None,) * 5), sources, place, "ansible_connection=local")
    assert (place / "added/inventory").read_text() == "[testgroup]\ntesthost ansible_connection=local\n"
    assert (place / "bin/ansible-playbook").stat().st_mode & 0o111
    assert "export 'A=1 2'" in (place / "go.sh").read_text()
    assert f"chroot {place}/box/root" in box.read_text()


def test_the_reference_takes_the_place_of_the_program(tmp_path: Path) -> None:
    sources, place, programs = tmp_path / "sources", tmp_path / "place", tmp_path / "programs"
    (sources / "test/integration/targets/blocks").mkdir(parents=True)
    place.mkdir()
    programs.mkdir()
    for name in ("ansible", "ansible-playbook", "other"):
        (programs / name).touch()
    prepare(a_target((None,) * 5), sources, place, "ansible_connection=local", programs)
    assert f"\n{programs}/ansible-playbook " in (place / "bin/ansible-playbook").read_text()
    assert (place / "bin/ansible").readlink() == programs / "ansible"
    assert sorted(path.name for path in (place / "bin").iterdir()) == ["ansible", "ansible-playbook"]
