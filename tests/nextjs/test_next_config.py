"""What next.config says."""

from __future__ import annotations

import pytest

from provisioner.nextjs.next_config import output, read_config, values


@pytest.mark.parametrize(("text", "expected"), [
    ("module.exports = { output: 'standalone' }", "standalone"),
    ('const c: NextConfig = {output: "export", images: {}}', "export"),
    ("export default { output: 'standalone' as const,\n}", "standalone"),
    ("// output: 'export'\nmodule.exports = {}", None),
    ("module.exports = { output: process.env.X ? 'export' : 'standalone' }", None),
    ("module.exports = { output: kind }", None),
    ("a = { output: 'export' }; b = { output: 'standalone' }", None),
])  # fmt: skip
def test_output_is_what_is_always_the_same(text: str, expected: str | None) -> None:
    assert output({"next.config.js": text}) == expected


def test_the_file_is_the_first_that_next_looks_for() -> None:
    files = {"next.config.mjs": "export default { distDir: 'a' }", "next.config.js": "x = { distDir: f(b) }"}
    assert read_config(files) == "next.config.js"
    assert values(files, "distDir") == ["f(b)"]
    assert values({}, "distDir") == []
