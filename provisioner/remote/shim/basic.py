"""`ansible.module_utils.basic`: `AnsibleModule` and what is imported beside it."""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
import traceback
from typing import Any, Dict, List, Mapping, NoReturn, Optional, Sequence

from provisioner.remote.argspec import Rules, validate
from provisioner.remote.argtypes import TRUE, convert
from provisioner.remote.shim import attributes, commands
from provisioner.remote.shim.text import to_bytes, to_native, to_text
from provisioner.remote.spec import to_size

ARGUMENTS: "Dict[str, Any]" = {}
SETTINGS: "Dict[str, Any]" = {}
"""Both are filled in by `main` before the module begins."""

HIDDEN = "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"
BOOLEANS_TRUE = TRUE
BOOLEANS = ("y", "yes", "on", "1", "true", "t", 1, True, "n", "no", "off", "0", "false", "f", 0, False)
FILE_COMMON_ARGUMENTS = {
    "mode": {"type": "raw"}, "owner": {"type": "str"}, "group": {"type": "str"}, "seuser": {"type": "str"},
    "serole": {"type": "str"}, "selevel": {"type": "str"}, "setype": {"type": "str"},
    "attributes": {"type": "str", "aliases": ["attr"]}, "unsafe_writes": {"type": "bool", "default": False},
}  # fmt: skip


class AnsibleFallbackNotFound(Exception):
    """A fallback has no value."""


def env_fallback(*names: str, **options: Any) -> str:
    for name in names:
        if name in os.environ:
            return os.environ[name]
    raise AnsibleFallbackNotFound


def missing_required_lib(library: str, reason: Optional[str] = None, url: Optional[str] = None) -> str:
    text = "Failed to import the required Python library (%s) on %s's Python %s." % (
        library, os.uname().nodename, sys.executable)
    text += " This is required %s." % reason if reason else ""
    text += " See %s for more info." % url if url else ""
    return text + " Please read the module documentation and install it in the appropriate location."


class AnsibleModule:
    """One run of a module: its checked arguments in `params`, and the ways to end it."""

    def __init__(self, argument_spec: "Mapping[str, Any]", bypass_checks: bool = False, no_log: bool = False,
                 mutually_exclusive: "Optional[Sequence[Any]]" = None,
                 required_together: "Optional[Sequence[Any]]" = None,
                 required_one_of: "Optional[Sequence[Any]]" = None, add_file_common_args: bool = False,
                 supports_check_mode: bool = False, required_if: "Optional[Sequence[Any]]" = None,
                 required_by: "Optional[Mapping[str, Any]]" = None, **unknown: Any) -> None:
        self._name = str(SETTINGS.get("name", ""))
        self.check_mode = bool(SETTINGS.get("check"))
        self._diff = bool(SETTINGS.get("diff"))
        self._verbosity = int(SETTINGS.get("verbosity", 0))
        self._debug = False
        self.no_log = no_log
        self.supports_check_mode = supports_check_mode
        self.argument_spec = dict(argument_spec)
        self._warnings: "List[str]" = []
        self._deprecations: "List[Dict[str, Any]]" = []
        self._cleanup: "List[str]" = []
        self._tmpdir: Optional[str] = None
        self.run_command_environ_update: "Dict[str, str]" = {}
        self.cleanup_files = self._cleanup
        if add_file_common_args:
            self.argument_spec = {**FILE_COMMON_ARGUMENTS, **self.argument_spec}
        if self.check_mode and not supports_check_mode:
            self.exit_json(skipped=True, msg="remote module (%s) does not support check mode" % self._name)
        rules = Rules(mutually_exclusive or (), required_together or (), required_one_of or (), required_if or (),
                      required_by or {})
        checked = validate(self.argument_spec, ARGUMENTS, rules, module=self._name)
        self.params: "Dict[str, Any]" = checked.parameters
        self.no_log_values = checked.secrets
        if checked.errors and not bypass_checks:
            self.fail_json(msg=checked.errors[0])

    # -- the end --------------------------------------------------------------------------------------------
    def exit_json(self, **result: Any) -> NoReturn:
        self._end({"changed": False, **result})
        sys.exit(0)

    def fail_json(self, msg: Any, **result: Any) -> NoReturn:
        given = {"failed": True, "msg": msg, **result}
        if sys.exc_info()[0] is not None and "exception" not in given:
            given["exception"] = traceback.format_exc()
        self._end(given)
        sys.exit(1)

    def _end(self, result: "Dict[str, Any]") -> None:
        for path in self._cleanup:
            self.cleanup(path)
        if self._tmpdir:
            shutil.rmtree(self._tmpdir, ignore_errors=True)
        warnings = [*result.pop("warnings", ()), *self._warnings]
        if warnings:
            result["warnings"] = warnings
        if self._deprecations:
            result.setdefault("deprecations", self._deprecations)
        shown = remove_values(result, {value for value in self.no_log_values if value} if hasattr(
            self, "no_log_values") else set())
        sys.stdout.write("\n" + json.dumps(shown, default=_as_json) + "\n")
        sys.stdout.flush()

    # -- telling --------------------------------------------------------------------------------------------
    def warn(self, warning: str, **unknown: Any) -> None:
        if warning not in self._warnings:
            self._warnings.append(warning)

    def deprecate(self, msg: str, version: Optional[str] = None, date: Optional[str] = None,
                  collection_name: Optional[str] = None, **unknown: Any) -> None:
        self._deprecations.append({"msg": msg, "version": version, "date": date, "collection_name": collection_name})

    def debug(self, msg: Any) -> None:
        """Ansible writes it to the host's journal when asked to; here it goes nowhere."""

    def log(self, msg: Any, log_args: Any = None) -> None:
        """Likewise."""

    # -- programs -------------------------------------------------------------------------------------------
    def run_command(self, args: Any, check_rc: bool = False, **options: Any) -> "tuple[int, Any, Any]":
        """(status, stdout, stderr) of a program, without a shell unless `use_unsafe_shell` is given."""
        update = {**self.run_command_environ_update, **(options.pop("environ_update", None) or {})}
        try:
            rc, out, err = commands.run(args, update, **options)
        except OSError as error:
            self.fail_json(rc=error.errno, stdout="", stderr="", msg="Error executing command: %s" % error,
                           cmd=commands.shown(args))
        if check_rc and rc != 0:
            self.fail_json(cmd=commands.shown(args), rc=rc, stdout=to_native(out), stderr=to_native(err),
                           msg=to_native(err).rstrip() or "the command ended with %d" % rc)
        return rc, out, err

    def get_bin_path(self, arg: str, required: bool = False,
                     opt_dirs: "Optional[Sequence[str]]" = None) -> Optional[str]:
        found = commands.find(arg, opt_dirs or ())
        if found is None and required:
            self.fail_json(msg="Failed to find required executable \"%s\" in paths: %s" % (arg, commands.PATHS))
        return found

    # -- files ----------------------------------------------------------------------------------------------
    @property
    def tmpdir(self) -> str:
        if self._tmpdir is None:
            self._tmpdir = tempfile.mkdtemp(prefix="ansible-module-")
        return self._tmpdir

    def add_cleanup_file(self, path: str) -> None:
        if path not in self._cleanup:
            self._cleanup.append(path)

    def cleanup(self, tmpfile: str) -> None:
        if os.path.exists(tmpfile):
            try:
                os.unlink(tmpfile)
            except OSError as error:
                self.warn("could not cleanup %s: %s" % (tmpfile, error))

    def atomic_move(self, src: str, dest: str, unsafe_writes: bool = False, keep_dest_attrs: bool = True) -> None:
        try:
            attributes.atomic_move(src, dest, keep=keep_dest_attrs)
        except OSError as error:
            self.fail_json(msg="Could not replace file: %s to %s: %s" % (src, dest, error))

    def backup_local(self, path: str) -> str:
        return attributes.backup(path)

    def digest_from_file(self, filename: str, algorithm: Any) -> Optional[str]:
        if os.path.isdir(filename):
            self.fail_json(msg="attempted to take checksum of directory: %s" % filename)
        return attributes.digest(filename, str(algorithm))

    def md5(self, filename: str) -> Optional[str]:
        return self.digest_from_file(filename, "md5")

    def sha1(self, filename: str) -> Optional[str]:
        return self.digest_from_file(filename, "sha1")

    def sha256(self, filename: str) -> Optional[str]:
        return self.digest_from_file(filename, "sha256")

    def load_file_common_arguments(self, params: "Mapping[str, Any]", path: Optional[str] = None) -> "Dict[str, Any]":
        path = path or params.get("path") or params.get("dest")
        if path is None:
            return {}
        return {"path": os.path.expanduser(os.path.expandvars(path)),
                **{name: params.get(name) for name in ("mode", "owner", "group", "attributes")}}

    def set_fs_attributes_if_different(self, file_args: "Mapping[str, Any]", changed: bool, diff: Any = None,
                                       expand: bool = True) -> bool:
        path = file_args["path"]
        changed = self.set_owner_if_different(path, file_args.get("owner"), changed, diff, expand)
        changed = self.set_group_if_different(path, file_args.get("group"), changed, diff, expand)
        return self.set_mode_if_different(path, file_args.get("mode"), changed, diff, expand)

    set_file_attributes_if_different = set_directory_attributes_if_different = set_fs_attributes_if_different

    def set_mode_if_different(self, path: str, mode: Any, changed: bool, diff: Any = None, expand: bool = True) -> bool:
        return self._differs("mode", attributes.set_mode, path, mode, changed, diff)

    def set_owner_if_different(self, path: str, owner: Any, changed: bool, diff: Any = None,
                               expand: bool = True) -> bool:
        return self._differs("owner", attributes.set_owner, path, owner, changed, diff)

    def set_group_if_different(self, path: str, group: Any, changed: bool, diff: Any = None,
                               expand: bool = True) -> bool:
        return self._differs("group", attributes.set_group, path, group, changed, diff)

    def _differs(self, what: str, make: Any, path: str, wanted: Any, changed: bool, diff: Any) -> bool:
        if wanted is None:
            return changed
        try:
            before, after = make(path, wanted, self.check_mode)
        except (OSError, LookupError, ValueError) as error:
            self.fail_json(path=path, msg="%s failed: %s" % (what, error))
        if diff is not None and before != after:
            diff.setdefault("before", {})[what], diff.setdefault("after", {})[what] = before, after
        return changed or before != after

    # -- values ---------------------------------------------------------------------------------------------
    def boolean(self, arg: Any) -> Optional[bool]:
        try:
            return None if arg is None else bool(convert(arg, "bool"))
        except (TypeError, ValueError) as error:
            self.fail_json(msg=str(error))

    def jsonify(self, data: Any) -> str:
        return json.dumps(data, default=_as_json)

    def from_json(self, data: Any) -> Any:
        return json.loads(data)

    def human_to_bytes(self, number: Any, isbits: bool = False) -> int:
        return to_size(number)

    @staticmethod
    def is_executable(path: str) -> bool:
        return os.access(path, os.X_OK)


def remove_values(value: Any, secrets: "set[str]") -> Any:
    """`value` without what must not be shown, also as a part of other texts."""
    if isinstance(value, Mapping):
        return {remove_values(key, secrets): remove_values(item, secrets) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [remove_values(item, secrets) for item in value]
    if isinstance(value, bytes):
        value = to_text(value)
    if isinstance(value, str):
        if value in secrets:
            return HIDDEN
        for secret in sorted(secrets, key=len, reverse=True):
            value = value.replace(secret, "********")
        return value
    if not isinstance(value, bool) and str(value) in secrets:
        return HIDDEN
    return value


def _as_json(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, (set, frozenset, tuple)):
        return list(value)
    if isinstance(value, bytes):
        return to_text(value)
    return str(value)


def get_platform() -> str:
    return os.uname().sysname


__all__ = ["BOOLEANS", "FILE_COMMON_ARGUMENTS", "AnsibleModule", "env_fallback", "get_platform",
           "missing_required_lib", "remove_values", "to_bytes", "to_native", "to_text"]
