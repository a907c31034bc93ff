"""The web server's site for an app: written, tested, reloaded; put back as it was when the test fails."""

from __future__ import annotations

from typing import Any, Dict

from provisioner.remote.nextjs import nginx, service
from provisioner.remote.nextjs.layout import Layout
from provisioner.remote.sdk import Ctx
from provisioner.remote.spec import Arg, Arguments, Spec

SPEC = Spec(
    name="nextjs_proxy",
    summary="Put a Next.js app behind nginx",
    identity=("name",),
    args={
        "name": Arg(required=True, doc="The app"),
        "text": Arg(required=True, doc="The site as nginx reads it"),
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
    return {"text": ctx.read_text(Layout(a.name).site), "welcome": welcome, "active": active}


def wanted(ctx: Ctx, a: Arguments, current: State) -> State:
    return {"text": a.text, "welcome": current["welcome"] and not a.only, "active": True}


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
    if current["text"] != wanted["text"]:
        ctx.write(layout.site, wanted["text"].encode(), mode="0644", owner="root", group="root")
    tested = ctx.run(["nginx", "-t"], timeout=60)
    if tested.rc != 0:
        if current["text"] is None:
            ctx.remove(layout.site)
        elif current["text"] != wanted["text"]:
            ctx.write(layout.site, current["text"].encode())
        if target is not None and not wanted["welcome"]:
            ctx.symlink(target, WELCOME)
        raise ctx.fail(
            "nginx refuses the new configuration, which was taken back:\n%s" % tested.stderr.strip(), rc=tested.rc
        )
    problem = nginx.reload(ctx)
    if problem is not None:
        raise ctx.fail(problem)


def diff(ctx: Ctx, a: Arguments, current: State, wanted: State) -> "list[Dict[str, str]]":
    site = Layout(a.name).site
    found = []
    if current["text"] != wanted["text"]:
        found.append({"before_header": site, "after_header": site, "before": current["text"] or "",
                      "after": wanted["text"]})  # fmt: skip
    if current["welcome"] != wanted["welcome"]:
        found.append({"before_header": WELCOME, "after_header": WELCOME, "before": "link\n", "after": ""})
    return found
