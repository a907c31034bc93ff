from provisioner.testing.modules import Case

START = (
    "shell",
    {
        "cmd": "mkdir -p /opt/case/find/d/.h && cd /opt/case/find && "
        "touch a.log b.txt .hidden d/c.log d/.h/x.log && ln -sfn a.log l"
    },
)

CASES = [
    Case(
        "by a pattern",
        {"paths": "/opt/case/find", "patterns": "*.log"},
        setup=[START],
        changes=False,
        result={"matched": 1},
    ),
    Case(
        "everywhere below",
        {"paths": ["/opt/case/find"], "patterns": ["*.log"], "recurse": True},
        setup=[START],
        changes=False,
        result={"matched": 3},
    ),
    Case(
        "hidden ones too",
        {"paths": ["/opt/case/find"], "recurse": True, "hidden": True},
        setup=[START],
        changes=False,
        result={"matched": 5},
    ),
    Case(
        "directories",
        {"paths": "/opt/case/find", "file_type": "directory"},
        setup=[START],
        changes=False,
        result={"matched": 1},
    ),
    Case(
        "links", {"paths": "/opt/case/find", "file_type": "link"}, setup=[START], changes=False, result={"matched": 1}
    ),
    Case(
        "a directory that is not there",
        {"paths": "/opt/case/no"},
        changes=False,
        result={"matched": 0, "skipped_paths": {"/opt/case/no": "'/opt/case/no' is not a directory"}},
    ),
    Case("no such unit", {"paths": "/opt/case", "age": "3 moons"}, fails="`age` must be a number"),
]
