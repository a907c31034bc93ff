"""Gives Next.js 16 settings of ours at build time without touching the project: by an adapter, NEXT_ADAPTER_PATH.

The adapter takes itself out of the configuration, so that the build is the same as without one. A project that has an
adapter of its own keeps it, and ours is then not called.
"""

from __future__ import annotations

import json
from typing import Any, Dict, Mapping

from provisioner.remote.nextjs.layout import Layout
from provisioner.remote.sdk import Ctx

_PROGRAM = """// Made by provision: settings of the build, beside the project's own.
const given = JSON.parse(process.env.PROVISION_NEXT_CONFIG ?? '{}');

export default {
  name: 'provision',
  modifyConfig(config) {
    const { buildId, ...settings } = given;
    const experimental = { ...config.experimental };
    delete experimental.adapterPath;
    const changed = { ...config, ...settings, experimental };
    delete changed.adapterPath;
    // With a deployment id Next.js would call every build the same, and nobody could tell which one answers.
    if (buildId && !changed.generateBuildId) changed.generateBuildId = () => buildId;
    return changed;
  },
};
"""


def install(ctx: Ctx, layout: Layout, settings: "Mapping[str, Any]") -> "Dict[str, str]":
    """Lay the adapter beside the project and give the variables of the build. settings: `next.config` as it is to be,
    and `buildId`, which counts unless the project makes its own."""
    path = layout.build + "/adapter.mjs"
    ctx.write(path, _PROGRAM.encode(), mode="0644")
    return {"NEXT_ADAPTER_PATH": path, "PROVISION_NEXT_CONFIG": json.dumps(settings)}
