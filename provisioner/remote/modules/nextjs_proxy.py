"""The web server's site for an app: written, tested, reloaded; put back as it was when the test fails."""

from __future__ import annotations

from typing import Any, Dict, Optional

from provisioner.remote.nextjs import nginx, service, slots
from provisioner.remote.nextjs.layout import Layout, upstream_text
from provisioner.remote.sdk import Ctx
from provisioner.remote.spec import Arg, Arguments, Spec

SPEC = Spec(
    name="nextjs_proxy",
    summary="Put a Next.js app behind nginx",
    identity=("name",),
    args={
        "name": Arg(required=True, doc="The app"),
        "text": Arg(required=True, doc="The site as nginx reads it"),
        "upstream": Arg(required=True, doc="address:port of the app, as long as no slot of it is live"),
        "only": Arg(
            type="bool", default=False, doc="It answers for every name, so the distribution's welcome page must go"
        ),
    },
)

WELCOME = "/etc/nginx/sites-enabled/default"
State = Dict[str, Any]


def current(ctx: Ctx, a: Arguments) -> State:
    active = service.show(ctx, "nginx.service").get("ActiveState") == "active"
    welcome = ctx.stat(WELCOME) is not None
    if ctx.predicted("package", "nginx") is not None:  # check mode: with the package comes its site, and it is started
        welcome = active = ctx.stat("/etc/debian_version") is not None
    layout = Layout(a.name)
    texts = {"text": ctx.read_text(layout.site), "upstream": ctx.read_text(layout.upstream)}
    return {**texts, "welcome": welcome, "active": active}


def wanted(ctx: Ctx, a: Arguments, current: State) -> State:
    welcome = current["welcome"] and not a.only
    return {"text": a.text, "upstream": _upstream(ctx, a, current["upstream"]), "welcome": welcome, "active": True}


def _upstream(ctx: Ctx, a: Arguments, found: "Optional[str]") -> "Optional[str]":
    """Names the live slot. During a release, which an interrupted one still is, that is for the release to say."""
    layout = Layout(a.name)
    journal = slots.read_journal(ctx, layout)
    if slots.is_interrupted(journal) and found is not None:
        return found
    live = slots.live(ctx, layout, journal)
    return upstream_text(live.upstream if live else a.upstream)


def apply(ctx: Ctx, a: Arguments, current: State, wanted: State) -> None:
    layout = Layout(a.name)
    if not ctx.which("nginx"):
        raise ctx.fail("nginx is not installed; set `proxy: none` to do without")
    welcome = ctx.stat(WELCOME)
    target = welcome.target if welcome else None
    if current["welcome"] and not wanted["welcome"]:
        if target is None:
            raise ctx.fail(
                "%s is in the way: without `domain` the app answers for every name; remove that file or set `domain`"
                % WELCOME
            )
        ctx.remove(WELCOME)
    files = {"upstream": layout.upstream, "text": layout.site}
    for key, path in files.items():
        if current[key] != wanted[key]:
            ctx.write(path, wanted[key].encode(), mode="0644", owner="root", group="root")
    tested = ctx.run(["nginx", "-t"], timeout=60)
    if tested.rc != 0:
        for key, path in files.items():
            if current[key] is None:
                ctx.remove(path)
            elif current[key] != wanted[key]:
                ctx.write(path, current[key].encode())
        if target is not None and not wanted["welcome"]:
            ctx.symlink(target, WELCOME)
        raise ctx.fail(
            "nginx refuses the new configuration, which was taken back:\n%s" % tested.stderr.strip(), rc=tested.rc
        )
    problem = nginx.reload(ctx)
    if problem is not None:
        raise ctx.fail(problem)


def diff(ctx: Ctx, a: Arguments, current: State, wanted: State) -> "list[Dict[str, str]]":
    layout = Layout(a.name)
    found = [
        {"before_header": path, "after_header": path, "before": current[key] or "", "after": wanted[key]}
        for key, path in (("text", layout.site), ("upstream", layout.upstream))
        if current[key] != wanted[key]
    ]
    if current["welcome"] != wanted["welcome"]:
        found.append({"before_header": WELCOME, "after_header": WELCOME, "before": "link\n", "after": ""})
    return found
