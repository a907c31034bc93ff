from provisioner.testing.modules import Case

CASES = [
    Case(
        "a file that is there",
        {"path": "/etc/hostname"},
        changes=False,
        result={"state": "file", "owner": "root", "mode": "0644"},
    ),
    Case(
        "a file that says so",
        {"path": "/etc/passwd", "search_regex": "^root:(?P<word>.):"},
        changes=False,
        result={"match_groups": ["x"], "match_groupdict": {"word": "x"}},
    ),
    Case("a port that answers", {"port": 22, "search_regex": "^SSH-2"}, changes=False),
    Case("a port that is free", {"port": 9, "state": "stopped"}, changes=False),
    Case("no open connections", {"port": 9, "state": "drained"}, changes=False),
    Case("too late", {"port": 9, "timeout": 1, "msg": "nobody there"}, checks="unknown", fails="nobody there"),
    Case(
        "a file that stays",
        {"path": "/etc/hostname", "state": "absent", "timeout": 1},
        checks="unknown",
        fails="Timeout when waiting",
    ),
]
