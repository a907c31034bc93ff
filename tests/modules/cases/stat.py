from provisioner.testing.modules import Case

CASES = [
    Case("a file", {"path": "/etc/hostname"}, changes=False),
    Case("a directory", {"path": "/etc", "get_mime": True}, changes=False),
    Case("a link", {"path": "/etc/mtab", "follow": True, "checksum_algorithm": "sha256"}, changes=False),
    Case("nothing", {"path": "/nope"}, changes=False, result={"stat": {"exists": False}}),
    Case(
        "an option as a name",
        {"path": "/--version", "get_mime": True},
        changes=False,
        result={"stat": {"exists": False}},
    ),
]
