"""Which handlers are found, what is said of them, and when the variable is set."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest

from provisioner.nextjs.detect import App
from provisioner.nextjs.signals import examine, find_handlers

PAGES = {"pages/index.js": "export default function Home() { return null }"}
DRAIN = "process.on('SIGTERM', async () => { await drain(); process.exit(0); });"
AT_ONCE = "process.on('SIGTERM', () => { console.log('bye'); process.exit(0); });"


def look(
    files: dict[str, str], version: str = "16.4.5", setting: Literal["auto"] | bool = "auto", start: str = "next start"
) -> tuple[bool, str]:
    found = examine(files, App(next_version=version, start=start), setting)
    return found.set_variable, "\n".join(found.warnings)


@pytest.mark.parametrize("code", [
    DRAIN,
    'process.once("SIGTERM", stop); function stop() { server.close(() => process.exit(0)) }',
    "process.addListener(`SIGTERM`, () => server.close());",
    "globalThis.process?.on?.('SIGTERM', () => { setTimeout(() => process.exit(), 5000) })",
    "for (const signal of ['SIGINT', 'SIGTERM']) { process.on(signal, async () => { await x(); process.exit() }) }",
    "['SIGTERM', 'SIGINT'].forEach((s) => process.on(s, () => close().then(() => process.exit(0))))",
    "const signals: NodeJS.Signals[] = ['SIGTERM'];\n"
    "signals.forEach(sig => process.on(sig as NodeJS.Signals, () => { void stop().finally(() => process.exit(0)) }))",
    "export async function register() {\n  if (process.env.NEXT_RUNTIME === 'nodejs') {\n"
    "    process.on('SIGTERM', onTerm)\n  }\n}\n"
    "const onTerm = async () => { await pool.end(); process.exit(0) }",
    "import closeWithGrace from 'close-with-grace'\ncloseWithGrace({ delay: 500 }, async () => {})",
])  # fmt: skip
def test_a_handler_that_waits_is_found_and_fine(code: str) -> None:
    assert look({**PAGES, "instrumentation.ts": code}) == (True, "")


@pytest.mark.parametrize("code", [
    "// process.on('SIGTERM', () => process.exit(0))",
    "/* process.on('SIGTERM', stop) */",
    "const help = \"call process.on('SIGTERM', stop) in your app\"",
    "process.on('unhandledRejection', (e) => { process.exit(1) })",
    "emitter.on('SIGTERM', () => {})",
    "const pattern = /process.on('SIGTERM',/; const half = a / b; // 'SIGTERM'",
    "",
])  # fmt: skip
def test_what_only_looks_like_a_handler_is_none(code: str) -> None:
    assert look({**PAGES, "instrumentation.js": code}) == (False, "")


@pytest.mark.parametrize("code", [
    AT_ONCE,
    "process.on('SIGTERM', () => process.exit(0))",
    "process.on('SIGTERM', shutdown)\nfunction shutdown(signal) { log(signal); process.exit(0) }",
    "const bye = () => process.exit(143)\nprocess.on('SIGTERM', bye)",
    "process.on('SIGTERM', () => bye('SIGTERM'))\nfunction bye(s) { console.log(s); process.exit(0) }",
    "if (process.env.NEXT_MANUAL_SIG_HANDLE) {\n  process.on('SIGTERM', () => {\n"
    "    console.log('Received SIGTERM: ', 'cleaning up')\n"
    "    process.exit(0)\n  })\n  process.on('SIGINT', () => {\n"
    "    console.log('Received SIGINT: ', 'cleaning up')\n    process.exit(0)\n  })\n}",
])  # fmt: skip
def test_a_handler_that_exits_at_once_sets_the_variable_and_is_warned_of(code: str) -> None:
    wanted, warnings = look({**PAGES, "instrumentation.js": code})
    assert wanted
    assert "instrumentation.js:" in warnings
    assert "exits at once" in warnings


def test_the_line_of_the_handler_is_named() -> None:
    assert "instrumentation.js:3: " in look({"instrumentation.js": f"// one\n\n{AT_ONCE}"})[1]


def test_a_handler_for_sigint_only_does_not_count() -> None:
    wanted, warnings = look({**PAGES, "instrumentation.js": "process.on('SIGINT', async () => { await x() })"})
    assert not wanted
    assert "SIGINT only" in warnings


def test_a_handler_that_never_ends_the_process_is_warned_of() -> None:
    assert "never ends" in look({"instrumentation.js": "process.on('SIGTERM', () => console.log('hm'))"})[1]


def test_handlers_are_found_through_imports() -> None:
    files = {
        "src/instrumentation.ts": "export async function register() { (await import('@/lib/shutdown')).drain() }",
        "src/lib/shutdown.ts": "import './deeper/index.js'",
        "src/lib/deeper/index.ts": DRAIN,
        "scripts/worker.js": AT_ONCE,
    }
    assert [handler.file for handler in find_handlers(files)] == ["src/lib/deeper/index.ts"]
    assert look(files) == (True, "")


def test_a_handler_in_document_exists_only_after_a_page() -> None:
    wanted, warnings = look({**PAGES, "pages/_document.tsx": DRAIN})
    assert wanted
    assert "once a page that loads it was asked for" in warnings


def test_document_is_never_loaded_by_a_pure_app_router_app() -> None:
    wanted, warnings = look({"app/page.js": "", "pages/_document.js": DRAIN})
    assert not wanted
    assert "never loaded" in warnings


@pytest.mark.parametrize(("version", "config", "wanted"), [
    ("12.3.7", "", False),
    ("13.5.11", "", False),
    ("14.2.35", "", False),
    ("14.2.35", "module.exports = { experimental: { instrumentationHook: true } }", True),
    ("15.0.0", "", True),
])  # fmt: skip
def test_instrumentation_counts_where_the_version_loads_it(version: str, config: str, wanted: bool) -> None:
    files = {**PAGES, "instrumentation.js": DRAIN, "next.config.js": config}
    found, warnings = look(files, version)
    assert found is wanted
    assert wanted == ("does not load instrumentation" not in warnings)


def test_13_ignores_the_variable_and_that_is_said() -> None:
    wanted, warnings = look({**PAGES, "pages/_document.js": DRAIN}, "13.5.11")
    assert wanted
    assert "13.5.11 ignores" in warnings


@pytest.mark.parametrize("name", [".env", ".env.production"])
def test_the_variable_in_an_env_file_is_told_to_have_no_effect(name: str) -> None:
    wanted, warnings = look({**PAGES, name: "A=1\nNEXT_MANUAL_SIG_HANDLE=true\n"})
    assert not wanted
    assert f"in {name} has no effect" in warnings


def test_the_variable_in_the_start_script_is_told() -> None:
    wanted, warnings = look(PAGES, start="NEXT_MANUAL_SIG_HANDLE=true next start")
    assert not wanted
    assert "the script `start` sets" in warnings
    assert "no handler for SIGTERM" in warnings


def test_the_setting_wins_over_what_was_found() -> None:
    assert look({"instrumentation.js": DRAIN}, setting=False) == (False, "")
    wanted, warnings = look(PAGES, setting=True)
    assert wanted
    assert "cuts off every running request" in warnings


def test_the_example_app_is_without_fault() -> None:
    root = Path(__file__).parents[2] / "playbooks/app"
    names = ("instrumentation.js", "lib/shutdown.js", "pages/about.js", "app/page.js", "next.config.mjs")
    assert look({name: (root / name).read_text() for name in names}) == (True, "")
