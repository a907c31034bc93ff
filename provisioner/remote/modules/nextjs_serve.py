"""Gives clients the files of a release: one rename, then the site is asked; what it does not give is taken back."""

from __future__ import annotations

from provisioner.remote.nextjs import exported, links, lock, records, retiring, slots
from provisioner.remote.nextjs.exported import Note
from provisioner.remote.nextjs.layout import Layout
from provisioner.remote.sdk import Ctx, Result
from provisioner.remote.spec import Arg, Arguments, Spec

SPEC = Spec(
    name="nextjs_serve",
    summary="Serve a release of a Next.js app that was exported as files",
    check="predict",
    identity=("name",),
    args={
        "name": Arg(required=True, doc="The app"),
        "release": Arg(required=True, doc="The release to serve"),
        "build_id": Arg(doc="What Next.js calls the build; known once there is one"),
        "base_path": Arg(default="", doc="The app's `basePath`"),
        "question": Arg(type="dict", doc="Whom to ask: address, port, tls, host; nobody where no web server is ours"),
        "move": Arg(default="none", choices=("none", "point", "prove"),
                    doc="Of an app that had a server: `point` only sets the link; `prove` asks the site that was "
                    "written since, and ends the service"),
        "bucket": Arg(doc="Where the files are published too, for people"),
        "how": Arg(default="release", choices=("release", "again"), doc="`again`: a release that was served before"),
        "why": Arg(type="list", elements="str", default=[], doc="What has changed, for people"),
    },
)


def run(ctx: Ctx, a: Arguments) -> Result:
    layout = Layout(a.name)
    before = slots.linked(ctx, layout.current)
    lines = {"before": _line(before), "after": _line(a.release)}
    diff = {**lines, "before_header": layout.current, "after_header": layout.current} if ctx.want_diff else None
    if not ctx.check:
        with lock.held(ctx, layout):
            _serve(ctx, a, layout)
    return Result(changed=True, diff=diff, release=a.release, build_id=a.build_id, why=a.why,
                  predictions=[("path", layout.current, {"kind": "link"})])  # fmt: skip


def _line(release: "str | None") -> str:
    return "releases/%s\n" % release if release else ""


def _serve(ctx: Ctx, a: Arguments, layout: Layout) -> None:
    if a.move == "point":
        exported.point(ctx, layout, a.release)
        return
    note = exported.read_note(ctx, layout)
    old = note.served or (slots.linked(ctx, layout.current) if note.trying is None and a.move == "none" else None)
    if old and ctx.stat(exported.site_of(layout, old)) is None:
        old = None
    exported.write_note(ctx, layout, Note(old, a.release))
    exported.point(ctx, layout, a.release)
    if a.question:
        question = {**a.question, "build_id": a.build_id, "base_path": a.base_path, "before": old}
        found = exported.wait(ctx, layout, a.release, question)
        if found is not None:
            _go_back(ctx, a, layout, old, found)
    exported.write_note(ctx, layout, Note(a.release))
    retiring.retire(ctx, layout)
    records.keep(ctx, layout, records.of_start(ctx, layout, SPEC, a, old))


def _go_back(ctx: Ctx, a: Arguments, layout: Layout, old: "str | None", found: str) -> None:
    live = slots.live(ctx, layout, slots.read_journal(ctx, layout)) if a.move == "prove" else None
    if live is not None and live.release is not None:
        links.follow(ctx, layout, live.slot, live.release)
        exported.forget(ctx, layout)
        raise ctx.fail("release %s is not what clients get: %s; the service of release %s goes on"
                       % (a.release, found, live.release), rolled_back_to=live.release)  # fmt: skip
    back = old if old != a.release else None
    if old != a.release:
        exported.point(ctx, layout, back)
    exported.write_note(ctx, layout, Note(old))
    told = "went back to release %s" % back if back else "there is no other release to go back to"
    raise ctx.fail("release %s is not what clients get: %s; %s" % (a.release, found, told), rolled_back_to=back)
