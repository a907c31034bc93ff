"""Tells how a job of `async` is doing, and gives its result once it has ended."""

from __future__ import annotations

import os

from provisioner.remote import jobs
from provisioner.remote.sdk import Ctx, Result
from provisioner.remote.spec import Arg, Arguments, Spec

SPEC = Spec(
    name="async_status",
    summary="Ask after a job that a task with `async` has started",
    check="run",
    args={
        "jid": Arg(required=True, doc="the `ansible_job_id` that the task has registered"),
        "mode": Arg(choices=("status", "cleanup"), default="status", doc="`cleanup` forgets the job's result"),
        "_async_dir": Arg("path", default="~/.ansible_async", doc="where jobs are kept (`ansible_async_dir`)"),
    },
    examples="""
- name: Build, and wait for it
  async_status:
    jid: "{{ build.ansible_job_id }}"
  register: job
  until: job is finished
  retries: 100
  delay: 10
""",
    returns={
        "ansible_job_id": "which job",
        "started": "always true",
        "finished": "whether it has ended; then all that its module gave is here too",
        "erased": "with `cleanup`: the file that was removed",
    },
)


def run(ctx: Ctx, a: Arguments) -> Result:
    if not jobs.ID.fullmatch(a.jid):
        raise ctx.fail("`%s` is not the id of a job" % a.jid)
    path = os.path.join(ctx.expand(a._async_dir), a.jid)
    if a.mode == "cleanup":
        if ctx.stat(path) is None:
            raise ctx.fail("could not find job", ansible_job_id=a.jid, started=True, finished=True)
        if not ctx.check:
            ctx.remove(path)
        return Result(ansible_job_id=a.jid, erased=path, started=True, finished=True)
    state = jobs.read(path)
    if state is None:
        raise ctx.fail("could not find job", ansible_job_id=a.jid, started=True, finished=True)
    return Result(**{**state, "ansible_job_id": a.jid, "results_file": path})
