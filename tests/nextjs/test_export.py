"""What keeps an app from being exported, with the files it is in."""

from __future__ import annotations

import json

import pytest

from provisioner.nextjs.detect import App, detect
from provisioner.nextjs.export import export_command, kind_of, of_export

EXPORTED = {"next.config.mjs": "export default { output: 'export' }"}


def app(version: str = "16.4.5", **scripts: str) -> App:
    return detect({
        "package.json": json.dumps({"scripts": {"build": "next build", **scripts}, "dependencies": {"next": version}}),
        "package-lock.json": json.dumps({"packages": {"node_modules/next": {"version": version}}}),
    })  # fmt: skip


def told(files: dict[str, str], version: str = "16.4.5") -> list[str]:
    return [str(finding) for finding in of_export({**EXPORTED, **files}, app(version)) if finding.stops]


def warned(files: dict[str, str]) -> list[str]:
    return [str(finding) for finding in of_export({**EXPORTED, **files}, app()) if not finding.stops]


def test_a_site_of_pages_passes() -> None:
    assert told({
        "app/page.js": "export default () => <h1>use server</h1>",
        "app/blog/[slug]/page.js": "export const dynamicParams = false; export function generateStaticParams() {}",
        "app/feed/route.js": "export const dynamic = 'force-static'; export function GET() {}",
        "pages/old.js": "export async function getStaticProps() { return { props: {} } }",
        "lib/middleware.js": "export const x = 1",
        "app/notes.js": "// getServerSideProps, dynamic = 'force-dynamic'",
    }) == []  # fmt: skip


@pytest.mark.parametrize(("path", "text", "words"), [
    ("middleware.ts", "export function middleware() {}", "there is no server"),
    ("src/proxy.ts", "export function proxy() {}", "there is no server"),
    ("app/actions.js", "'use server'\nexport async function save() {}", "Server Actions"),
    ("app/page.js", "async function save() {\n  'use server';\n}", "Server Actions"),
    ("app/page.js", "async function save() { 'use server'; return 1 }", "Server Actions"),
    ("pages/x.js", "export const getServerSideProps = () => ({})", "getServerSideProps"),
    ("app/page.js", "export const dynamic = 'force-dynamic'", "force-dynamic"),
    ("app/x/route.js", "export const dynamic = 'force-dynamic'; export function GET() {}", "force-dynamic"),
    ("src/app/page.tsx", "const all = await cookies()", "reads the request"),
    ("app/x/route.js", "export async function GET() {}", "this GET handler is not static"),
    ("app/[id]/page.js", "export default () => null", "generateStaticParams"),
    ("app/page.js", "export const dynamicParams = true", "set it to false"),
    ("pages/[id].js", "export const getStaticProps = 1", "getStaticPaths"),
    ("pages/[id].js", "const a = { fallback: 'blocking' }", "fallback: false"),
    ("pages/x.js", "const getStaticProps = () => ({ props: {}, revalidate: 60 })", "getStaticProps makes a page anew"),
    ("app/(.)photo/page.js", "export default 1", "intercepting"),
    ("components/picture.jsx", "import Image from 'next/image'", "unoptimized: true"),
])  # fmt: skip
def test_what_prevents_an_export_is_told_with_its_file(path: str, text: str, words: str) -> None:
    found = told({path: text})
    assert len(found) == (2 if "route.js" in path and "force-dynamic" in text else 1)
    assert found[0].startswith(f"{path}: ")
    assert words in found[0]


@pytest.mark.parametrize(("path", "text", "words"), [
    ("pages/api/x.js", "export default 1", "API routes are left out"),
    ("app/x/route.js", "export async function POST() {}", "only GET handlers"),
    ("app/page.js", "export const revalidate = 60", "no effect in an export"),
    ("next.config.mjs", "export default { output: 'export', async redirects() {} }", "have no effect"),
])  # fmt: skip
def test_what_an_export_leaves_out_is_a_warning(path: str, text: str, words: str) -> None:
    assert told({path: text}) == []
    [warning] = warned({path: text})
    assert words in warning


def test_files_of_the_same_kind_are_one_finding() -> None:
    pages = {f"pages/{number}.js": "export const getServerSideProps = 1" for number in range(10)}
    [finding] = told({**pages, "middleware.js": ""})[1:]
    assert finding.startswith("pages/0.js, pages/1.js")
    assert "and 2 more: `getServerSideProps`" in finding


def test_a_layout_may_list_the_parameters() -> None:
    assert told({
        "app/[lang]/layout.js": "export function generateStaticParams() {}", "app/[lang]/about/page.js": "",
    }) == []  # fmt: skip


def test_images_may_have_another_loader() -> None:
    page = {"app/page.js": "import Image from 'next/image'"}
    for config in ("images: { unoptimized: true }", "images: { loader: 'custom', loaderFile: './l.js' }"):
        assert told({**page, "next.config.mjs": f"export default {{ output: 'export', {config} }}"}) == []
    assert told({"app/page.js": "import Image from 'next/image'; <Image unoptimized src='/x.png' />"}) == []


def test_get_handlers_were_static_before_15() -> None:
    assert told({"app/x/route.js": "export async function GET() {}"}, "14.2.35") == []


@pytest.mark.parametrize(("version", "config", "words"), [
    ("16.4.5", "export default {}", "next.config.mjs does not set `output: 'export'`"),
    ("14.2.35", "export default { output: 'standalone' }", "does not set `output: 'export'`"),
])  # fmt: skip
def test_newer_versions_must_be_configured(version: str, config: str, words: str) -> None:
    [finding] = told({"next.config.mjs": config}, version)
    assert words in finding


def test_the_command_is_named_where_it_is_gone() -> None:
    [finding] = list(of_export(EXPORTED, app("14.2.35", build="next build && next export")))
    assert "which Next.js 14.2.35 no longer has" in str(finding)


@pytest.mark.parametrize(("version", "files", "scripts", "command"), [
    ("16.4.5", EXPORTED, {}, ()),
    ("13.5.11", EXPORTED, {}, ()),
    ("13.5.11", {}, {}, ("node", "node_modules/next/dist/bin/next", "export")),
    ("12.3.7", {}, {"export": "next export -o out"}, ("npm", "run", "export")),
    ("12.3.7", {}, {"build": "next build && next export"}, ()),
])  # fmt: skip
def test_the_command_of_older_versions_runs_after_the_build(
    version: str, files: dict[str, str], scripts: dict[str, str], command: tuple[str, ...]
) -> None:
    assert export_command(files, app(version, **scripts)) == command


def test_files_are_known_by_their_place() -> None:
    assert {path: kind_of(path) for path in (
        "middleware.js", "src/middleware.js", "lib/middleware.js", "next.config.mjs", "pages/api/x.js", "pages/x.js",
        "src/app/layout.tsx", "app/a/page.tsx", "app/a/route.ts", "app/a/form.tsx",
    )} == {
        "middleware.js": "middleware", "src/middleware.js": "middleware", "lib/middleware.js": "code",
        "next.config.mjs": "config", "pages/api/x.js": "api", "pages/x.js": "pages", "src/app/layout.tsx": "layout",
        "app/a/page.tsx": "page", "app/a/route.ts": "route", "app/a/form.tsx": "code",
    }  # fmt: skip
