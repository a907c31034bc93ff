from provisioner.testing.modules import Case

PATH = "/opt/case/replace/conf"
START = ("shell", {"cmd": f"mkdir -p /opt/case/replace && printf '[a]\\nx=1\\nx=2\\n[b]\\nx=3\\n' > {PATH}"})

CASES = [
    Case(
        "everywhere",
        {"path": PATH, "regexp": "^x=(.)$", "replace": "y:\\1"},
        setup=[START],
        result={"msg": "3 replacements made"},
    ),
    Case(
        "in one section",
        {"path": PATH, "regexp": "^x", "replace": "z", "after": "\\[a\\]\n", "before": "\\[b\\]"},
        setup=[START],
        result={"msg": "2 replacements made"},
    ),
    Case("nothing found", {"path": PATH, "regexp": "^nope"}, setup=[START], changes=False),
    Case("no such section", {"path": PATH, "regexp": "x", "after": "nowhere"}, setup=[START], changes=False),
    Case(
        "no file",
        {"path": "/opt/case/replace/no", "regexp": "x"},
        checks="unknown",
        fails="Path /opt/case/replace/no does not exist !",
    ),
    Case(
        "no such group",
        {"path": PATH, "regexp": "x", "replace": "\\7"},
        setup=[START],
        fails="Unable to process replace",
    ),
    Case(
        "a device, with a replacement that can be none",
        {"path": "/dev/null", "regexp": "x", "replace": "\\D"},
        fails="Unable to process replace",
    ),
    Case("a directory", {"path": "/opt/case", "regexp": "x"}, setup=[START], fails="Path /opt/case is a directory !"),
]
