"""What a check run tells of an app for `provision drift`, beside the steps that a deploy would take. Pure."""

from __future__ import annotations

from typing import Any

from provisioner.nextjs.hosts import Host
from provisioner.nextjs.plan import Release


def differs(host: Host) -> dict[str, Any]:
    """What is no longer as it was released, whatever is deployed next; nothing of a host that was not looked at."""
    found = [{"what": f"{each['kind']}: {each['what']}", "before": each["found"], "after": each["expected"]}
             for each in host.facts.get("inspected", ())]  # fmt: skip
    return {"differs": found} if found else {}


def pending(host: Host, release: Release) -> dict[str, Any]:
    """Why this is a release that no deploy has made yet; nothing where it is the one that was deployed last."""
    facts = host.facts
    deployed = facts["files"] or (facts["live"]["release"] if facts["live"] else facts["slot"])
    if deployed == release.name:
        return {}
    return {"pending": f"release {deployed or 'none'} is deployed, and the source makes {release.name} now"}
