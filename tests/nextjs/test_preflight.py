"""What in sources and settings speaks against a deploy."""

from __future__ import annotations

import json
from typing import Any

import pytest

from provisioner.nextjs.detect import detect
from provisioner.nextjs.findings import Finding, verdict
from provisioner.nextjs.modes import decided
from provisioner.nextjs.preflight import engine_problem, of_source
from provisioner.nextjs.settings import read_settings
from provisioner.values import Secret

LOCK = {"packages": {
    "node_modules/next": {"version": "16.4.5"}, "node_modules/react": {"version": "19.2.0"},
    "node_modules/react-dom": {"version": "19.2.0"},
}}  # fmt: skip


def package(**more: Any) -> str:
    return json.dumps({
        "scripts": {"build": "next build", "start": "next start"},
        "dependencies": {"next": "^16.0.0", "react": "^19.0.0", "react-dom": "^19.0.0"}, **more,
    })  # fmt: skip


def scripts(start: str = "next start", build: str = "next build") -> dict[str, str]:
    return {"package.json": package(scripts={"build": build, "start": start})}


def locked(version: str) -> dict[str, str]:
    packages = {**LOCK["packages"], "node_modules/next": {"version": version}}
    return {
        "package-lock.json": json.dumps({"packages": packages}),
        "package.json": package(dependencies={"next": version, "react": "*", "react-dom": "*"}),
    }


def found(files: dict[str, str], **args: Any) -> tuple[Finding, ...]:
    everything = {"package.json": package(), "package-lock.json": json.dumps(LOCK), **files}
    app = detect(everything)
    return of_source(everything, app, decided(read_settings({"name": "shop", "source": "s", **args}), app))


def test_nothing_speaks_against_an_ordinary_app() -> None:
    assert found({"app/page.js": "export default () => process.env.NEXT_PUBLIC_X", ".env": "NEXT_PUBLIC_X=1"}) == ()


@pytest.mark.parametrize(("files", "args", "words"), [
    ({"package.json": package(engines={"node": "18.x || 20.x"})}, {}, 'set `node: "20"`'),
    ({"package.json": package(engines={"node": ">=99"})}, {}, "change `engines` or `node`"),
    ({"package.json": package(engines={"node": ">=22.5.0"})}, {"node": "22.4.0"}, "`node` is 22.4.0"),
    ({}, {"node": "18"}, "needs Node.js 20.9 or newer, but `node` is 18"),
    (locked("11.1.0"), {}, "Next.js 11.1.0 is older"),
    (scripts(build="vite build"), {}, "does not run `next build`"),
    ({"package-lock.json": json.dumps({"packages": {"node_modules/next": {"version": "15.1.0"}}})}, {},
     "next is 15.1.0, package.json wants ^16.0.0, react is missing, react-dom is missing"),
    ({"next.config.mjs": "export default { output: 'export' }"}, {"mode": "server"}, "makes files without a server"),
    ({"next.config.js": "module.exports = { distDir: 'dist' }"}, {}, "`distDir: 'dist'` in next.config.js"),
    ({**locked("14.2.35"), "next.config.ts": "export default {}"}, {}, "does not read next.config.ts"),
    ({}, {"env": {"NEXT_PUBLIC_KEY": Secret("x")}}, "`NEXT_PUBLIC_KEY` in `env` has a vaulted value"),
])  # fmt: skip
def test_what_can_not_work_stops_the_deploy(files: dict[str, str], args: dict[str, Any], words: str) -> None:
    told = verdict(found(files, **args), builds=True)
    assert len(told.errors) == 1, told
    assert words in told.errors[0]


@pytest.mark.parametrize(("files", "args", "words"), [
    (locked("17.0.0"), {}, "Next.js 17.0.0 is newer than what is known"),
    ({"package.json": package(engines={"node": "lts/*"})}, {}, "can't be read as a range"),
    ({"package.json": package(dependencies={"next": "^16.0.0", "react": "^19.0.0"})}, {}, "depend on `react-dom`"),
    ({"next.config.ts": "export default { output: 'standalone' }"}, {"mode": "server"}, "is not used"),
    ({"next.config.js": "module.exports = { output: process.env.X ? 'export' : undefined }"}, {}, "some condition"),
    ({"next.config.js": "module.exports = { distDir: process.env.DIST }"}, {}, "`distDir` by a condition"),
    ({"next.config.js": "module.exports = {}", "next.config.mjs": "export default {}"}, {},
     "reads next.config.js only"),
    ({"next.config.cjs": ""}, {}, "does not read next.config.cjs"),
    ({"app/layout.tsx": 'import { Inter } from "next/font/google";'}, {}, "app/layout.tsx uses next/font/google"),
    ({"app/page.js": "process.env.NEXT_PUBLIC_B + process.env.NEXT_PUBLIC_A"}, {"env": {"NEXT_PUBLIC_B": "1"}},
     "the code reads NEXT_PUBLIC_A, but"),
    (scripts("HOSTNAME=127.0.0.1 next start"), {}, "sets HOSTNAME=127.0.0.1, which `next start` does not read"),
    (scripts("PORT=8080 next start"), {}, "says port 8080, but the service listens on 3000"),
    (scripts("next start -p 8080"), {}, "says port 8080"),
    (scripts("next start --port=8080"), {}, "says port 8080"),
    (scripts("next start -H 0.0.0.0"), {}, "`-H 0.0.0.0`, but the service listens on 127.0.0.1"),
    (scripts("next start --keepAliveTimeout 65000"), {}, "`--keepAliveTimeout 65000`"),
    (scripts("next start --experimental-https"), {}, "`--experimental-https`, which the service does not get"),
    (scripts("next start apps/web"), {}, "set `app: apps/web`"),
    (scripts("NODE_OPTIONS='--max-old-space-size=400 -x' next start"), {}, "give NODE_OPTIONS in `env`"),
    (scripts("prisma migrate deploy && next start"), {}, "runs `prisma migrate deploy` beside `next start`"),
    (scripts("node server.js"), {}, "the script `start` is `node server.js`"),
    ({**scripts("node server.js"), "next.config.js": "x = { output: 'standalone' }"}, {},
     "`node server.js`, but the service runs the server.js of the build"),
    ({"pnpm-lock.yaml": "lockfileVersion: '9.0'\n"}, {}, "several lockfiles"),
])  # fmt: skip
def test_what_may_go_wrong_is_a_warning(files: dict[str, str], args: dict[str, Any], words: str) -> None:
    told = verdict(found(files, **args), builds=True)
    assert not told.errors
    assert len(told.warnings) == 1, told
    assert words in told.warnings[0]


@pytest.mark.parametrize(("files", "args"), [
    (scripts("next start -p 3000 -H 127.0.0.1"), {}),
    (scripts("cross-env NODE_ENV=production PORT=3000 npx next start ."), {}),
    (scripts("NODE_OPTIONS=--enable-source-maps next start"), {"env": {"NODE_OPTIONS": "--enable-source-maps"}}),
    (scripts(build="turbo run build"), {}),
    ({**scripts("node .next/standalone/server.js"), "next.config.js": "x = { output: 'standalone' }"}, {}),
    ({"package.json": json.dumps({"workspaces": ["apps/*"]}), "apps/web/package.json": package(),
      "apps/docs/next.config.js": "x = { output: 'export' }"}, {}),
    ({"next.config.js": "// output: 'export', distDir: 'x'\nmodule.exports = { distDir: '.next' }"}, {}),
    ({"tests/fonts.test.js": "import 'next/font/google'; process.env.NEXT_PUBLIC_Z"}, {}),
    ({"next.config.js": "module.exports = { env: { NEXT_PUBLIC_Z: '1' } }", "a.js": "process.env.NEXT_PUBLIC_Z"}, {}),
    ({}, {"env": {"NEXT_PUBLIC_K": Secret("x")}, "build_env": {"NEXT_PUBLIC_K": "public after all"}}),
    ({"package.json": package(dependencies={"next": "latest", "react": "npm:preact@1", "react-dom": "workspace:*"})},
     {}),
    ({"package.json": package(overrides={"next": "16.4.5"},
     dependencies={"next": "15", "react": "1", "react-dom": "1"})},
     {}),
    ({"package.json": package(engines={"node": "^22.5.0"})}, {"node": "22"}),
])  # fmt: skip
def test_what_is_fine_is_not_talked_about(files: dict[str, str], args: dict[str, Any]) -> None:
    assert found(files, **args) == ()


def test_everything_is_found_at_once() -> None:
    files = {
        "package.json": package(scripts={"start": "HOSTNAME=x next start"}, engines={"node": "18"}),
        "next.config.js": "module.exports = { output: 'export' }",
    }
    told = verdict(found(files, mode="server"), builds=True)
    assert len(told.errors) == 3
    assert len(told.warnings) == 1


def test_what_concerns_the_build_is_told_only_when_there_is_one() -> None:
    some = (Finding("a", "do b"), Finding("c", at_build=True), Finding("d", stops=True, at_build=True))
    assert verdict(some, builds=False).warnings == ("a; do b",)
    assert verdict(some, builds=False).errors == ()
    assert verdict(some, builds=True).errors == ("d",)


def test_an_installed_node_is_held_against_engines_too() -> None:
    files = {"package.json": package(engines={"node": ">=22.12"})}
    assert engine_problem(files, "22") is None
    problem = engine_problem(files, "22.3.0")
    assert problem is not None
    assert "22.3.0" in problem.text
