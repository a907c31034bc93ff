from provisioner.testing.modules import Case

PATH = "/opt/case/blockinfile/conf"
START = ("shell", {"cmd": f"mkdir -p /opt/case/blockinfile && printf 'one\\ntwo\\nthree' > {PATH}"})
BLOCK = {"path": PATH, "block": "x\ny\n"}

CASES = [
    Case("a new block", BLOCK, setup=[START], result={"msg": "Block inserted"}),
    Case("another block", {**BLOCK, "block": "z"}, setup=[START, ("blockinfile", BLOCK)]),
    Case(
        "before a line",
        {**BLOCK, "insertbefore": "^two", "marker": "; {mark} here", "prepend_newline": True, "append_newline": True},
        setup=[START],
    ),
    Case("gone", {**BLOCK, "state": "absent"}, setup=[START, ("blockinfile", BLOCK)], result={"msg": "Block removed"}),
    Case(
        "a new file",
        {**BLOCK, "path": "/opt/case/blockinfile/new/file", "create": True},
        result={"msg": "File created"},
    ),
    Case("no file", {**BLOCK, "path": "/opt/case/blockinfile/no"}, checks="unknown", fails="does not exist"),
    Case(
        "markers that are the same", {**BLOCK, "marker": "#"}, setup=[START], fails="the two marker lines are the same"
    ),
    Case(
        "a marker with a line of its own",
        {**BLOCK, "marker": "# {mark}\nroot::0:0"},
        setup=[START],
        fails="must be one line",
    ),
]
