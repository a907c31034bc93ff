"""Faults for the tests of releases: an app that misbehaves when told to, and a host whose runner dies at a step."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from provisioner.testing.nextjs import JOURNAL, Site

FAULTS = """
  const fault = process.env.FAULT;
  globalThis.asked = (globalThis.asked || 0) + 1;
  if (fault === '500') return new Response('broken', { status: 500 });
  if (fault === 'hang') await new Promise(() => {});
  if (fault === 'die' && globalThis.asked > 15) process.exit(3);
"""
CRASH = """
  if (process.env.FAULT === 'crash') throw new Error('boom');
  if (process.env.FAULT === 'soon') setTimeout(() => process.kill(process.pid, 'SIGKILL'), 4000);
"""
_OVER = "/run/killing-is-over"
_WATCHER = """
import json, os, signal, time
while not os.path.exists("%s"):
    try:
        if json.load(open("%s"))["step"] == "%s":
            time.sleep(%s)
            os.kill(json.load(open("/var/lib/provisioner/locks/example.lock"))["pid"], signal.%s)
            print("done")
            break
    except (OSError, ValueError, KeyError):
        pass
    time.sleep(0.001)
"""


def make_faulty(site: Site) -> None:
    """The app gets faults that the variable FAULT chooses: crash, 500, hang, die (after some requests), soon
    (killed 4 s after its start)."""
    if "process.env.FAULT" not in (site.source / "instrumentation.js").read_text():
        site.edit("app/api/health/route.js", "export async function GET() {", "export async function GET() {" + FAULTS)
        start = "export async function register() {"
        site.edit("instrumentation.js", start, start + CRASH)


@contextmanager
def killing(site: Site, step: str, signal: str = "SIGKILL", delay: float = 0.0) -> Iterator[list[str]]:
    """Until the block ends: sends the runner a signal as soon as the journal tells this step, or `delay` seconds
    later. The list that it gives has "done" when that has happened; on a busy host the step may be over unseen."""
    told: list[str] = []

    def work() -> None:
        watcher = _WATCHER % (_OVER, JOURNAL, step, delay, signal)
        told.append(site.hosts[0].run(["python3", "-c", watcher], check=False, timeout=900).stdout.strip())

    site.shell(f"rm -f {_OVER}")
    thread = threading.Thread(target=work)
    thread.start()
    time.sleep(0.3)
    try:
        yield told
    finally:
        site.shell(f"touch {_OVER}")
        thread.join()
