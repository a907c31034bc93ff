"""Lines of mountinfo and fstab."""

from __future__ import annotations

from provisioner.remote.fstab import Entry, Mount, entry, find, mounts, replaced

TABLE = """\
# /etc/fstab: static file system information.
UUID=11 / ext4 errors=remount-ro 0 1

LABEL=data\t/srv/a\\040b  ext4
/dev/old /srv/a\\040b ext4 noatime 0 2
broken
"""


def is_data(each: Entry) -> bool:
    return each.point == "/srv/a b"


def test_mounts_are_told_in_their_order_with_what_is_escaped() -> None:
    text = ("29 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw\n"
            "1054 901 7:40 / /srv/a\\040b rw shared:286 master:3 - ext4 /dev/loop40 rw\n"
            "30 29 0:5 /x /bound rw - tmpfs none rw\n")
    assert mounts(text) == [Mount("/", "ext4", "/dev/vda"), Mount("/srv/a b", "ext4", "/dev/loop40"),
                            Mount("/bound", "tmpfs", "none")]


def test_an_entry_has_what_is_left_out() -> None:
    assert entry("LABEL=data /srv ext4") == Entry("LABEL=data", "/srv", "ext4", "defaults", "0", "0")
    assert [entry(line) for line in ("", "# /dev/sda / ext4", "/dev/sda /")] == [None, None, None]


def test_the_last_entry_of_a_place_is_the_one_on_top() -> None:
    found = find(TABLE, is_data)
    assert found is not None
    assert found.source == "/dev/old"


def test_an_entry_takes_the_first_ones_line_and_all_else_stays() -> None:
    new = Entry("/dev/new", "/srv/a b", "xfs", "defaults", "0", "0")
    lines = replaced(TABLE, is_data, new).splitlines()
    assert lines == [*TABLE.splitlines()[:3], "/dev/new /srv/a\\040b xfs defaults 0 0", "broken"]
    assert replaced(replaced(TABLE, is_data, new), is_data, new).splitlines() == lines
    assert replaced(TABLE, is_data, None).splitlines() == [*TABLE.splitlines()[:3], "broken"]
    assert replaced("", is_data, new) == "/dev/new /srv/a\\040b xfs defaults 0 0\n"
