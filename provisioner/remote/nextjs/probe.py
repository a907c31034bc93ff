"""One HTTP question to an app on this host: does it answer, and is it the build that is expected?"""

from __future__ import annotations

import http.client
import socket
import time
from typing import Any, Dict, Mapping, Optional

from provisioner.remote.nextjs import service
from provisioner.remote.sdk import Ctx

ONE_ANSWER = 10.0  # seconds for one request: the first one after a start compiles and may take long
PAUSE = 0.1


def get_status(address: str, port: int, path: str, host: str, timeout: float = ONE_ANSWER) -> "Dict[str, Any]":
    """{"status": 200} or {"error": "…"}."""
    connection = http.client.HTTPConnection(address, port, timeout=timeout)
    try:
        connection.request("GET", path, headers={"Host": host, "User-Agent": "provision-health", "Connection": "close"})
        answer = connection.getresponse()
        answer.read(64 << 10)
        return {"status": answer.status}
    except (OSError, http.client.HTTPException) as error:
        return {"error": "%s: %s" % (type(error).__name__, error)}
    finally:
        connection.close()


def is_taken(health: "Mapping[str, Any]") -> bool:
    """Whether anything takes connections there."""
    try:
        socket.create_connection((health["address"], health["port"]), timeout=ONE_ANSWER).close()
    except OSError:
        return False
    return True


def is_healthy(status: int, expected: "Optional[int]") -> bool:
    return status == expected if expected else 200 <= status < 400


def problem(
    health: "Mapping[str, Any]", build_id: "Optional[str]", base_path: str = "", timeout: float = ONE_ANSWER
) -> "Optional[str]":
    """Why the app is not healthy, or None when it is. timeout: seconds for each answer.

    health: {address, port, path, status, host}. Every version of Next.js serves `/_next/static/<build id>/
    _buildManifest.js` of its own build only, so that file shows which build answers, whatever the app is.
    """
    where = "http://%s:%s%s" % (health["address"], health["port"], health["path"])
    answer = get_status(health["address"], health["port"], health["path"], health["host"], timeout)
    if "error" in answer:
        return "no answer from %s (%s)" % (where, answer["error"])
    if not is_healthy(answer["status"], health.get("status")):
        wanted = health.get("status") or "200 to 399"
        return "%s answers with status %d, expected %s" % (where, answer["status"], wanted)
    if build_id:
        marker = "%s/_next/static/%s/_buildManifest.js" % (base_path, build_id)
        built = get_status(health["address"], health["port"], marker, health["host"], timeout)
        if built.get("status") != 200:
            return "what answers at %s is not build %s" % (where, build_id)
    return None


def warm(health: "Mapping[str, Any]") -> "Optional[str]":
    """Ask for each of the paths `health["warm"]` once; the first that is not answered as a page is, or None."""
    for path in health.get("warm") or ():
        found = problem({**health, "path": path, "status": None}, None, timeout=float(health["timeout"]))
        if found is not None:
            return "warming up: %s" % found
    return None


def wait(
    ctx: Ctx, unit: str, health: "Mapping[str, Any]", build_id: "Optional[str]", base_path: str = ""
) -> "Optional[str]":
    """Ask until the app is healthy (None) or `health["timeout"]` seconds are over (the last problem).

    A service that has failed, or that keeps being restarted, is not waited for.
    """
    deadline = time.monotonic() + float(health["timeout"])
    while True:
        state = service.show(ctx, unit)
        if state.get("ActiveState") == "failed" or int(state.get("NRestarts") or 0) >= 3:
            return "the service ended by itself (%s, exit status %s)" % (
                state.get("Result", "failed"),
                state.get("ExecMainStatus", "?"),
            )
        found = problem(health, build_id, base_path)
        if found is None or time.monotonic() >= deadline:
            return found
        ctx.progress(found)
        time.sleep(PAUSE)
