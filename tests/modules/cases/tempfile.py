from provisioner.testing.modules import Case

PLACE = ("file", {"path": "/opt/case/tempfile", "state": "directory"})

CASES = [
    Case(
        "a file",
        {"path": "/opt/case/tempfile", "suffix": ".txt"},
        setup=[PLACE],
        checks="skipped",
        repeats=False,
        result={"mode": "0600", "state": "file", "owner": "root"},
    ),
    Case(
        "a directory",
        {"path": "/opt/case/tempfile", "state": "directory"},
        setup=[PLACE],
        checks="skipped",
        repeats=False,
        result={"mode": "0700", "state": "directory"},
    ),
    Case(
        "a name that leads away",
        {"path": "/opt/case/tempfile", "prefix": "../"},
        checks="skipped",
        fails="prefix must be a valid file name component",
    ),
]
