from provisioner.testing.modules import Case

START = ("shell", {"cmd": "mkdir -p /opt/case/slurp && printf 'a\\0b' > /opt/case/slurp/f"})

CASES = [
    Case(
        "a file",
        {"src": "/opt/case/slurp/f"},
        setup=[START],
        changes=False,
        result={"content": "YQBi", "encoding": "base64"},
    ),
    Case("no file", {"src": "/opt/case/slurp/no"}, checks="unknown", fails="File not found"),
    Case("a file taken for a directory", {"src": "/opt/case/slurp/f/no"}, setup=[START], fails="Unable to slurp file"),
    Case("a directory", {"src": "/opt/case/slurp"}, setup=[START], fails="Source is a directory and must be a file"),
]
