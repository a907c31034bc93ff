"""Facts as variables. A host says what it likes, so names that steer the connection or the run are dropped."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from provisioner.values import Value
from provisioner.vars.magic import MAGIC_NAMES

_STEERING = frozenset({
    "ansible_connection", "ansible_host", "ansible_port", "ansible_user", "ansible_password", "ansible_shell_type",
    "ansible_shell_executable", "ansible_executable", "ansible_timeout", "ansible_remote_tmp", "ansible_pipelining",
    "ansible_private_key_file", "ansible_host_key_checking", "ansible_scp_executable", "ansible_sftp_executable",
    "ansible_network_os", "ansible_async_dir", "ansible_module_compression", "ansible_strategy", "ansible_managed",
    "ansible_vault_password", "ansible_common_remote_group", "ansible_no_log",
})
_STEERING_PREFIXES = ("ansible_become", "ansible_sudo", "ansible_su_", "ansible_ssh_", "ansible_paramiko_",
                      "ansible_winrm_", "ansible_psrp_", "ansible_httpapi_", "ansible_docker_", "ansible_connection_")
_HOST_KEY_FACTS = "ansible_ssh_host_key_"
_KEPT = frozenset({"ansible_local"})


@dataclass(frozen=True, slots=True)
class Injected:
    """variables: `ansible_facts` and the `ansible_*` names, for the layer of facts.
    dropped: names that were refused, to warn about."""

    variables: Mapping[str, Value]
    dropped: tuple[str, ...] = ()


def inject(facts: Mapping[str, Value], *, as_variables: bool = True) -> Injected:
    """Facts by name as the variables a task sees; what has no prefix `ansible_` is there without it, too.

    >>> inject({"ansible_os_family": "Debian", "connection": "local"})
    Injected(variables={'ansible_facts': {'os_family': 'Debian'}, 'ansible_os_family': 'Debian'}, \
dropped=('connection',))
    >>> sorted(inject({"getent_passwd": {}}).variables)
    ['ansible_facts', 'ansible_getent_passwd', 'getent_passwd']
    """
    short: dict[str, Value] = {}
    dropped = []
    for name, value in facts.items():
        if is_steering(name):
            dropped.append(name)
        else:
            short[name.removeprefix("ansible_")] = value
    variables: dict[str, Value] = {"ansible_facts": short}
    if "local" in short:
        short["ansible_local"] = short["local"]
    if as_variables:
        variables.update((f"ansible_{name}", value) for name, value in short.items() if name != "ansible_local")
        variables.update((name, short[name]) for name in facts if name in short and name not in variables)
    return Injected(variables, tuple(sorted(dropped)))


def is_steering(name: Value) -> bool:
    """Whether a fact of this name could redirect the connection, the privileges or the run.

    >>> [is_steering(n) for n in ("become_pass", "ansible_python_interpreter", "__class__", "hostvars")]
    [True, True, True, True]
    >>> [is_steering(n) for n in ("hostname", "user_id", "ssh_host_key_rsa_public", "local", "env")]
    [False, False, False, False, False]
    """
    if not isinstance(name, str) or not name.isidentifier() or name.startswith("_"):
        return True
    full = name if name.startswith("ansible_") else f"ansible_{name}"
    if full.startswith(_HOST_KEY_FACTS) or full in _KEPT:
        return False
    return (full in _STEERING or full.startswith(_STEERING_PREFIXES) or full.endswith("_interpreter")
            or full in MAGIC_NAMES or name in MAGIC_NAMES)
