from provisioner.actions.base import content_of
from provisioner.testing.modules import Case

ROOT = "/opt/case/copy"
TEXT = content_of("Grüße\n".encode())
OTHER = content_of(b"other\n")
BINARY = content_of(bytes(range(256)))
LARGE = content_of(b"line\n" * 30_000)
PLACE = ("file", {"path": ROOT, "state": "directory"})


def text(dest: str, **more: object) -> dict[str, object]:
    return {"dest": dest, "_content": TEXT.reference(), "_sha1": "s", **more}


TREE = [
    {"path": "site", "kind": "directory"},
    {"path": "site/empty", "kind": "directory"},
    {"path": "site/a.txt", "kind": "file", "mode": "0755", **TEXT.reference()},
    {"path": "site/deep", "kind": "directory"},
    {"path": "site/deep/b", "kind": "file", "mode": "0600", **OTHER.reference()},
    {"path": "site/link", "kind": "link", "target": "a.txt"},
]

CASES = [
    Case(
        "a new file",
        text(f"{ROOT}/new", mode="0640"),
        setup=[PLACE],
        contents=[TEXT],
        result={"dest": f"{ROOT}/new", "mode": "0640", "owner": "root", "checksum": "s", "state": "file", "size": 8},
    ),
    Case(
        "other content keeps mode and owner",
        text(f"{ROOT}/old"),
        contents=[TEXT],
        result={"mode": "0604", "owner": "daemon"},
        setup=[PLACE, ("shell", {"cmd": f"echo old > {ROOT}/old; chmod 604 {ROOT}/old; chown daemon: {ROOT}/old"})],
    ),
    Case("only the mode differs", text(f"{ROOT}/new", mode="u=rw,go=r"), contents=[TEXT], result={"mode": "0644"}),
    Case(
        "only the owner differs",
        text(f"{ROOT}/new", owner="daemon", group="1"),
        contents=[TEXT],
        result={"owner": "daemon", "gid": 1},
    ),
    Case("into a directory", text(ROOT, _basename="named"), contents=[TEXT], result={"dest": f"{ROOT}/named"}),
    Case(
        "into a new directory",
        text(f"{ROOT}/x/y/", _basename="named", directory_mode="0750"),
        contents=[TEXT],
        result={"dest": f"{ROOT}/x/y/named"},
    ),
    Case(
        "in place of a link",
        text(f"{ROOT}/link"),
        contents=[TEXT],
        setup=[("shell", {"cmd": f"ln -sfn new {ROOT}/link"})],
        result={"state": "file"},
    ),
    Case(
        "through a link",
        text(f"{ROOT}/link2", follow=True),
        contents=[TEXT],
        result={"dest": f"{ROOT}/target"},
        setup=[("shell", {"cmd": f"echo x > {ROOT}/target; ln -sfn target {ROOT}/link2"})],
    ),
    Case(
        "not by force",
        text(f"{ROOT}/kept", force=False),
        contents=[TEXT],
        changes=False,
        setup=[("shell", {"cmd": f"echo mine > {ROOT}/kept"})],
    ),
    Case("with a backup", text(f"{ROOT}/kept", backup=True), contents=[TEXT]),
    Case("judged by a command", text(f"{ROOT}/judged", validate="grep -q Gr %s"), contents=[TEXT]),
    Case(
        "refused by a command",
        text(f"{ROOT}/refused", validate="grep -q nothing %s"),
        contents=[TEXT],
        checks="changed",
        fails="`validate` refused",
    ),
    Case("binary content", {"dest": f"{ROOT}/binary", "_content": BINARY.reference()}, contents=[BINARY]),
    Case("content too large for a diff", {"dest": f"{ROOT}/large", "_content": LARGE.reference()}, contents=[LARGE]),
    Case(
        "a secret",
        {"dest": f"{ROOT}/secret", "_content": OTHER.reference(), "_secret": True, "mode": "0600"},
        contents=[OTHER],
    ),
    Case(
        "a tree",
        {"dest": f"{ROOT}/tree/", "_entries": TREE, "mode": "0640", "directory_mode": "0750", "owner": "daemon"},
        contents=[TEXT, OTHER],
    ),
    Case(
        "a tree with its modes, partly there",
        {"dest": f"{ROOT}/tree", "_entries": TREE, "mode": "preserve"},
        contents=[TEXT, OTHER],
        setup=[("shell", {"cmd": f"rm -r {ROOT}/tree/site/deep; echo no > {ROOT}/tree/site/a.txt"})],
    ),
    Case(
        "a file of the host", {"src": "/etc/passwd", "remote_src": True, "dest": f"{ROOT}/passwd", "mode": "preserve"}
    ),
    Case("a directory of the host", {"src": f"{ROOT}/tree", "remote_src": True, "dest": f"{ROOT}/again"}),
    Case(
        "a source that is not there",
        {"src": "/nope", "remote_src": True, "dest": f"{ROOT}/nope"},
        checks="unknown",
        fails="does not exist",
    ),
    Case("no directory", text(f"{ROOT}/no/where"), contents=[TEXT], checks="unknown", fails="the directory"),
    Case(
        "no such owner",
        text(f"{ROOT}/new", owner="nobody-here"),
        contents=[TEXT],
        checks="unknown",
        fails="there is no user",
    ),
    Case(
        "a pipe",
        text(f"{ROOT}/pipe"),
        contents=[TEXT],
        setup=[("shell", {"cmd": f"mkfifo {ROOT}/pipe"})],
        fails="is a fifo",
    ),
    Case("an option as a name", text(f"{ROOT}/-rf"), contents=[TEXT]),
    Case("odd characters in the name", text(f"{ROOT}/a b\n$(id);`id`'\""), contents=[TEXT]),
]
