from provisioner.testing.modules import Case

CASES = [
    Case("a new group", {"name": "case"}, result={"state": "present", "name": "case"}),
    Case("with a number", {"name": "case", "gid": 2500}, setup=[("group", {"name": "case"})], result={"gid": 2500}),
    Case("a number that another group has", {"name": "twin", "gid": 2500, "non_unique": True}, result={"gid": 2500}),
    Case("a system group", {"name": "daemons", "system": True}, result={"system": True}),
    Case("numbers from a range", {"name": "ranged", "gid_min": 3000, "gid_max": 3010}, result={"gid": 3000}),
    Case("no longer there", {"name": "case", "state": "absent"}, setup=[("group", {"name": "case"})]),
    Case("never there", {"name": "never", "state": "absent"}, changes=False),
    Case("an option as a name", {"name": "-r"}, fails="can't be the name of a group"),
    Case("a line break in the name", {"name": "case\nroot:x:0:"}, fails="can't be the name of a group"),
]
