import io
import tarfile

from provisioner.actions.base import content_of
from provisioner.messages import Content
from provisioner.testing.modules import Case

ROOT = "/opt/case/unarchive"
PLACE = ("file", {"path": ROOT, "state": "directory"})


def archive(*members: tuple[tarfile.TarInfo, bytes]) -> Content:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for member, data in members:
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return content_of(packed.getvalue())


def member(name: str, kind: bytes = tarfile.REGTYPE, *, mode: int = 0o644, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.mode, info.linkname, info.mtime, info.uid = kind, mode, target, 1_500_000_000, 4711
    return info


GOOD = archive(
    (member("app", tarfile.DIRTYPE, mode=0o755), b""),
    (member("app/run", mode=0o4755), b"#!/bin/sh\n"),
    (member("app/data/x"), b"data"),
    (member("app/link", tarfile.SYMTYPE, target="data/x"), b""),
    (member("app/twin", tarfile.LNKTYPE, target="app/data/x"), b""),
)
OUT = archive((member("app/../../../../etc/evil"), b"x"))
THROUGH = archive((member("d", tarfile.SYMTYPE, target="."), b""), (member("d/x"), b"x"))


def unpack(content: Content, **more: object) -> dict[str, object]:
    return {"src": "a.tgz", "dest": ROOT, "_content": content.reference(), **more}


CASES = [
    Case(
        "a new archive",
        unpack(GOOD, list_files=True),
        setup=[PLACE],
        contents=[GOOD],
        result={"handler": "TgzArchive", "files": ["app", "app/run", "app/data/x", "app/link", "app/twin"]},
    ),
    Case(
        "one file is another",
        unpack(GOOD, owner="daemon"),
        contents=[GOOD],
        setup=[("shell", {"cmd": f"echo XXXX > {ROOT}/app/run"})],
    ),
    Case("it is there by name", unpack(GOOD, creates=f"{ROOT}/app"), contents=[GOOD], changes=False,
         result={"skipped": True}),
    Case(
        "without the first directory",
        unpack(GOOD, extra_opts=["--strip-components=1"], exclude=["twin"]),
        contents=[GOOD],
    ),
    Case(
        "from the host",
        {"src": f"{ROOT}/here.tar", "dest": f"{ROOT}/app", "remote_src": True, "mode": "u=rwX,go="},
        setup=[("shell", {"cmd": f"cd /etc && tar -cf {ROOT}/here.tar hostname apt"})],
    ),
    Case("out of its place", unpack(OUT), contents=[OUT], fails="leads out of the destination"),
    Case("through a link", unpack(THROUGH), contents=[THROUGH], fails="through a link"),
    Case("no archive", {"src": "/etc/passwd", "dest": ROOT, "remote_src": True}, fails="is not a tar or zip archive"),
    Case(
        "no directory",
        unpack(GOOD, dest="/opt/case/nowhere"),
        contents=[GOOD],
        checks="unknown",
        fails="must be an existing dir",
    ),
    Case(
        "an option nobody knows",
        unpack(GOOD, extra_opts=["--transform=s/a/b/"]),
        contents=[GOOD],
        fails="is not supported",
    ),
]
