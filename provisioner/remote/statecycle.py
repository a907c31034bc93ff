"""Runs one module: current, wanted, compare, apply. Check mode, diff and `changed` are decided here alone."""

from __future__ import annotations

import errno
import os
from typing import Any, Mapping, Optional

from provisioner.remote.sdk import Cancelled, Ctx, ModuleFailed, NotKnown, Result, WriteInCheckMode
from provisioner.remote.spec import ArgumentError, Arguments, Spec


def execute(module: Any, ctx: Ctx, args: "Mapping[str, Any]", *, verify: bool = False) -> "dict[str, Any]":
    """Run `module` (it has SPEC and either `current/wanted/apply` or `run`) and give the result as JSON data.

    verify: read again after apply and fail when the state did not converge (used by the module tests).
    Never raises but `Cancelled`: a module's bug becomes a failed result with its traceback under `exception`.
    """
    spec: Spec = module.SPEC
    given: Mapping[str, Any] = {}
    try:
        bound = spec.bind(args)
        given = bound.as_dict()
        if hasattr(module, "current"):
            return _state(module, ctx, bound, verify)
        return _action(module, spec, ctx, bound)
    except ArgumentError as error:
        hint = error.hint
        return {"failed": True, "changed": False, "msg": str(error), **({"hint": hint} if hint else {})}
    except ModuleFailed as error:
        return {"changed": False, **error.data, "failed": True, "msg": error.message}
    except NotKnown as error:
        return {"changed": False, "unknown": error.reason}
    except Cancelled:
        raise
    except WriteInCheckMode as error:
        return {"failed": True, "changed": False,
                "msg": "module `%s` tried to change the host in check mode: %s" % (spec.name, error)}
    except OSError as error:
        # write(2) does not say which file it was about: then it is the one that the task is about.
        about = error.filename or next((str(given[name]) for name in spec.identity if given.get(name)), "")
        where = ": %s" % about if about else ""
        hint = _mending(error.errno)
        return {"failed": True, "changed": False, "msg": "%s%s" % (error.strerror or error, where),
                "errno": error.errno, "exception": _traceback(), **({"hint": hint} if hint else {})}
    except (Exception, SystemExit) as error:  # a bug in the module must not end the runner and the tasks behind it
        return {"failed": True, "changed": False,
                "msg": "module `%s` crashed: %s: %s" % (spec.name, type(error).__name__, error),
                "exception": _traceback()}


def _mending(number: Optional[int]) -> str:
    if number in (errno.EACCES, errno.EPERM) and os.geteuid() != 0:
        return "the user of this task may not do that; a task with `become: true` is done as root"
    if number in (errno.ENOSPC, errno.EDQUOT):
        return "make room there (`df -h` and `df -i` show how much there is); nothing was replaced"
    if number == errno.EROFS:
        return "the file system is mounted read-only"
    return ""


def _traceback() -> str:
    import traceback  # noqa: PLC0415 - 12 ms that a run without errors need not pay

    return traceback.format_exc()


def _action(module: Any, spec: Spec, ctx: Ctx, a: Arguments) -> "dict[str, Any]":
    if ctx.check and spec.check == "skip":
        return {"changed": False, "skipped": True, "unknown": "`%s` is not run in check mode" % spec.name}
    outcome: Result = module.run(ctx, a)
    result = {"changed": outcome.changed, **outcome.data}
    if outcome.failed:
        result["failed"] = True
    if outcome.skipped:
        result["skipped"] = True
    if outcome.diff is not None and ctx.want_diff:
        result["diff"] = outcome.diff
    if ctx.check and outcome.predictions:
        result["predictions"] = [list(entry) for entry in outcome.predictions]
    return result


def _state(module: Any, ctx: Ctx, a: Arguments, verify: bool) -> "dict[str, Any]":
    current = module.current(ctx, a)
    wanted = module.wanted(ctx, a, current)
    changed = current != wanted
    result: "dict[str, Any]" = {"changed": changed}
    if changed:
        if ctx.want_diff:
            result["diff"] = _diff(module, ctx, a, current, wanted)
        if ctx.check:
            if hasattr(module, "predictions"):
                result["predictions"] = [list(entry) for entry in module.predictions(ctx, a, current, wanted)]
        else:
            extra = module.apply(ctx, a, current, wanted)
            if extra:
                result.update(extra)
            if verify:
                _verify(module, ctx, a)
    if hasattr(module, "report"):
        result.update(module.report(ctx, a, current, wanted) or {})
    return result


def _verify(module: Any, ctx: Ctx, a: Arguments) -> None:
    again = module.current(ctx, a)
    still = module.wanted(ctx, a, again)
    if again != still:
        raise ModuleFailed("did not converge: after apply %r, wanted %r" % (again, still))


def _diff(module: Any, ctx: Ctx, a: Arguments, current: Any, wanted: Any) -> Any:
    if hasattr(module, "diff"):
        return module.diff(ctx, a, current, wanted)
    return state_diff(current, wanted)


def state_diff(current: "Optional[Mapping[str, Any]]", wanted: "Optional[Mapping[str, Any]]") -> "dict[str, Any]":
    """before/after of only the fields that differ."""
    before, after = dict(current or {}), dict(wanted or {})
    differing = [key for key in {**before, **after} if before.get(key) != after.get(key)]
    return {"before": {key: before[key] for key in differing if key in before},
            "after": {key: after[key] for key in differing if key in after}}
