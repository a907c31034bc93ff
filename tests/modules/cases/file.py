from provisioner.testing.modules import Case

ROOT = "/opt/case/file"
PLACE = ("file", {"path": ROOT, "state": "directory"})


def make(name: str, content: str = "x") -> tuple[str, dict[str, str]]:
    return "shell", {"cmd": f"echo {content} > {ROOT}/{name}"}


TREE = f"mkdir -p {ROOT}/deep/a/b && cd {ROOT}/deep/a && touch f && ln -sfn /etc/shadow trap && chown -hR daemon ../."
SHADOW = ("shell", {"cmd": 'test "$(stat -c %U /etc/shadow)" = root'})

CASES = [
    Case(
        "a directory with its parents",
        {"path": f"{ROOT}/d/e/f", "state": "directory", "mode": "0750", "owner": "daemon", "group": "daemon"},
        setup=[PLACE],
        result={"path": f"{ROOT}/d/e/f", "mode": "0750", "owner": "daemon", "group": "daemon", "state": "directory"},
    ),
    Case(
        "another mode of a directory",
        {"path": f"{ROOT}/d", "state": "directory", "mode": "g-rx"},
        result={"mode": "0700"},
    ),
    Case("a directory that is there", {"path": ROOT, "state": "directory"}, changes=False),
    Case(
        "a directory through a link",
        {"path": f"{ROOT}/dl", "state": "directory", "mode": "0711"},
        setup=[("shell", {"cmd": f"ln -sfn d {ROOT}/dl"})],
        result={"mode": "0711", "path": f"{ROOT}/d"},
    ),
    Case(
        "a file in the way",
        {"path": f"{ROOT}/plain", "state": "directory"},
        setup=[make("plain")],
        fails="already exists as a file",
    ),
    Case(
        "attributes of a file",
        {"path": f"{ROOT}/plain", "mode": "u=rwx,g=rx,o=", "owner": "1"},
        result={"mode": "0750", "owner": "daemon"},
    ),
    Case("attributes of nothing", {"path": f"{ROOT}/nothing", "state": "file"}, fails="is absent, cannot continue"),
    Case(
        "everything below, but not through a link",
        {"path": f"{ROOT}/deep", "state": "directory", "recurse": True, "owner": "bin", "mode": "u=rwX,go=rX"},
        setup=[("shell", {"cmd": TREE})],
    ),
    Case(
        "the target of the trap is untouched", {"path": "/etc/shadow", "owner": "root"}, setup=[SHADOW], changes=False
    ),
    Case(
        "an empty file",
        {
            "path": f"{ROOT}/touched",
            "state": "touch",
            "mode": "0600",
            "access_time": "preserve",
            "modification_time": "preserve",
        },
        result={"mode": "0600", "dest": f"{ROOT}/touched"},
    ),
    Case("touched again", {"path": f"{ROOT}/touched", "state": "touch"}, repeats=False, same_diff=False),
    Case(
        "at a given time",
        {
            "path": f"{ROOT}/touched",
            "state": "touch",
            "modification_time": "202001020304.05",
            "access_time": "preserve",
        },
    ),
    Case(
        "a link",
        {"path": f"{ROOT}/l", "src": "plain", "state": "link"},
        result={"dest": f"{ROOT}/l", "src": "plain", "state": "link"},
    ),
    Case("a link to somewhere else", {"path": f"{ROOT}/l", "src": "/etc/hosts", "state": "link"}),
    Case(
        "a link to nothing",
        {"path": f"{ROOT}/l2", "src": "nothing", "state": "link"},
        checks="unknown",
        fails="does not exist",
    ),
    Case(
        "a link to nothing by force",
        {"path": f"{ROOT}/l2", "src": "nothing", "state": "link", "force": True, "follow": False},
    ),
    Case(
        "a link in place of a file",
        {"path": f"{ROOT}/f2", "src": "plain", "state": "link"},
        setup=[make("f2")],
        fails="refusing to convert from file",
    ),
    Case("a link in place of a file by force", {"path": f"{ROOT}/f2", "src": "plain", "state": "link", "force": True}),
    Case(
        "a link in place of an empty directory",
        {"path": f"{ROOT}/d2", "src": "plain", "state": "link", "force": True},
        setup=[("file", {"path": f"{ROOT}/d2", "state": "directory"})],
    ),
    Case(
        "a link in place of a full directory",
        {"path": f"{ROOT}/d", "src": "plain", "state": "link", "force": True},
        fails="not empty",
    ),
    Case("a hard link", {"path": f"{ROOT}/h", "src": f"{ROOT}/plain", "state": "hard"}, result={"state": "hard"}),
    Case(
        "a hard link beside it by its name in a directory",
        {"path": f"{ROOT}/d3", "src": f"{ROOT}/plain", "state": "hard"},
        setup=[("file", {"path": f"{ROOT}/d3", "state": "directory"})],
        result={"dest": f"{ROOT}/d3/plain", "state": "hard"},
    ),
    Case(
        "a mode by way of a link",
        {"path": f"{ROOT}/lm", "src": "plain", "state": "link", "mode": "0604"},
        result={"state": "link", "src": "plain"},
    ),
    Case(
        "the sticky bit",
        {"path": f"{ROOT}/d3", "state": "directory", "mode": "1777"},
        result={"mode": "01777"},
    ),
    Case("a hard link that is there", {"path": f"{ROOT}/h", "src": f"{ROOT}/plain", "state": "hard"}, changes=False),
    Case("a file is gone", {"path": f"{ROOT}/plain", "state": "absent"}, result={"state": "absent"}),
    Case("a directory is gone", {"path": f"{ROOT}/deep", "state": "absent"}),
    Case("a link is gone, not its target", {"path": f"{ROOT}/dl", "state": "absent"}),
    Case("nothing to remove", {"path": f"{ROOT}/never", "state": "absent"}, changes=False),
    Case(
        "an option as a name",
        {"path": f"{ROOT}/--help", "state": "touch", "access_time": "preserve", "modification_time": "preserve"},
    ),
    Case("no such group", {"path": ROOT, "group": "no-such-group"}, checks="unknown", fails="there is no group"),
    Case("what is not supported", {"path": ROOT, "attributes": "+i"}, fails="chattr"),
]
