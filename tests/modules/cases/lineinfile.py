from provisioner.testing.modules import Case

PATH = "/opt/case/lineinfile/conf"
START = ("shell", {"cmd": f"mkdir -p /opt/case/lineinfile && printf 'a=1\\n# b\\nc=3' > {PATH} && chmod 640 {PATH}"})

CASES = [
    Case(
        "another value",
        {"path": PATH, "regexp": "^a=", "line": "a=2"},
        setup=[START],
        result={"msg": "line replaced", "mode": "0640"},
    ),
    Case("a new line at the end", {"path": PATH, "line": "d=4"}, setup=[START], result={"msg": "line added"}),
    Case("a new line at the beginning", {"path": PATH, "line": "zero", "insertbefore": "BOF"}, setup=[START]),
    Case("after another", {"path": PATH, "line": "b=2", "insertafter": "^# b"}, setup=[START]),
    Case("with groups", {"path": PATH, "regexp": "^(c)=(\\w*)$", "line": "\\1=<\\2>", "backrefs": True}, setup=[START]),
    Case(
        "groups that are not found",
        {"path": PATH, "regexp": "^(x)=", "line": "\\1=1", "backrefs": True},
        setup=[START],
        changes=False,
    ),
    Case(
        "gone",
        {"path": PATH, "regexp": "=", "state": "absent"},
        setup=[START],
        result={"found": 2, "msg": "2 line(s) removed"},
    ),
    Case(
        "gone by text",
        {"path": PATH, "search_string": "# b", "state": "absent", "backup": True},
        setup=[START],
        result={"found": 1},
    ),
    Case(
        "a new file in a new directory",
        {"path": "/opt/case/lineinfile/x/y", "line": "a", "create": True, "mode": "0600"},
        result={"mode": "0600", "msg": "line added"},
    ),
    Case(
        "judged by a command",
        {"path": PATH, "line": "never", "validate": "false %s"},
        setup=[START],
        checks="changed",
        fails="`validate` refused",
    ),
    Case("no file", {"path": "/opt/case/lineinfile/no", "line": "a"}, checks="unknown", fails="does not exist"),
    Case("no file to remove from", {"path": "/opt/case/lineinfile/no", "line": "a", "state": "absent"}, changes=False),
    Case(
        "not an expression",
        {"path": PATH, "regexp": "(", "line": "a"},
        setup=[START],
        fails="is not a regular expression",
    ),
]
