from provisioner.testing.modules import Case

OLD, NEW = [["a" * 32], 1.0, "run", "signature"], [["b" * 32], 2.0, "run", "signature"]

CASES = [
    Case("nothing is kept yet", {"name": "ab12"}, changes=False,
         result={"lines": {}, "damaged": False, "others": 0}),
    Case("a first line", {"name": "ab12", "lines": {"one": OLD}}),
    Case("what is kept", {"name": "ab12"}, changes=False, result={"lines": {"one": OLD}}),
    Case("a newer line, and one more", {"name": "ab12", "lines": {"one": NEW, "two": OLD}}),
    Case("an older line does not count", {"name": "ab12", "lines": {"one": OLD}}, changes=False),
    Case("records of another key", {"name": "cd34"}, changes=False, result={"lines": {}, "others": 1}),
    Case("a damaged file is told of", {"name": "ef56"}, changes=False, result={"damaged": True},
         setup=[("lineinfile", {"path": "/var/lib/provisioner/baselines/ef56", "line": "[]", "create": True})]),
    Case("a damaged file is replaced", {"name": "ef56", "lines": {"one": OLD}}),
    Case("a name that leads elsewhere", {"name": "../ab12"}, fails="can't name a record"),
]  # fmt: skip
