"""Module names: which ones there are, what they are called elsewhere, which ones take free text."""

from __future__ import annotations

import importlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from provisioner.remote.spec import Spec

_PACKAGE: Final = Path(__file__).resolve().parent.parent

#: Names that mean one of ours.
ALIASES: Final[Mapping[str, str]] = {
    "systemd_service": "systemd",
    "gather_facts": "setup",
}

#: Done by the loader and the engine; there is no module file for them.
LANGUAGE: Final = frozenset({"include_tasks", "import_tasks", "include_role", "import_role", "meta"})

#: Modules that playbooks name with a collection other than ansible.builtin.
HOMES: Final[Mapping[str, str]] = {
    "npm": "community.general",
    "timezone": "community.general",
    "ufw": "community.general",
    "sysctl": "ansible.posix",
    "mount": "ansible.posix",
    "filesystem": "community.general",
    "authorized_key": "ansible.posix",
    "synchronize": "ansible.posix",
    "selinux": "ansible.posix",
    "seboolean": "ansible.posix",
    "firewalld": "ansible.posix",
    "patch": "ansible.posix",
    "acl": "ansible.posix",
    "ec2_instance": "amazon.aws",
    "ec2_key": "amazon.aws",
    "ec2_security_group": "amazon.aws",
    "digital_ocean_droplet": "community.digitalocean",
    "digital_ocean_sshkey": "community.digitalocean",
}

#: Collections whose modules have moved on to another one; playbooks name both.
_MOVED: Final[Mapping[str, str]] = {"community.aws": "amazon.aws"}

#: What tells a module's file from a helper beside it.
_IS_MODULE: Final = re.compile(r"^(?:SPEC\b|def (?:expand|run|run_batch)\()", re.MULTILINE)

_BUILTIN: Final = frozenset({"ansible.builtin", "ansible.legacy"})

_WELL_KNOWN: Final = """
add_host apt apt_key apt_repository assemble assert async_status blockinfile command copy cron deb822_repository
debconf debug dnf dnf5 dpkg_selections expect fail fetch file find gather_facts get_url getent git group group_by
hostname include_vars iptables known_hosts lineinfile mount_facts package package_facts pause ping pip raw reboot
replace rpm_key script service service_facts set_fact set_stats setup shell slurp stat subversion systemd
systemd_service sysvinit tempfile template unarchive uri user validate_argument_spec wait_for wait_for_connection yum
yum_repository acl alternatives apache2_module apk archive at authorized_key awall bower bundler bzr capabilities
cargo composer consul_kv cpanm cronvar datadog_event django_manage docker_compose docker_compose_v2 docker_container
docker_container_info docker_image docker_image_build docker_login docker_network docker_prune docker_swarm
docker_volume ec2 ec2_ami ec2_group ec2_instance ec2_key ec2_security_group ec2_vol ec2_vpc_net ec2_vpc_subnet
elasticsearch_plugin etcd3 filesystem filesize firewalld flatpak gem git_config github_deploy_key github_key
gitlab_project gluster_volume grafana_dashboard gunicorn haproxy helm hetzner_server homebrew htpasswd
influxdb_database ini_file interfaces_file ipify_facts iptables_state java_cert java_keystore jenkins_job jira
json_query k8s kernel_blacklist keycloak_client launchd ldap_attrs ldap_entry letsencrypt lldp locale_gen logentries
luks_device lvg lvol lxc_container lxd_container mail make maven_artifact memcached modprobe monit mongodb_user mount
mysql_db mysql_info mysql_query mysql_user nagios nginx_status_info nmcli npm open_iscsi openssh_keypair openssl_csr
openssl_dhparam openssl_pkcs12 openssl_privatekey openssl_publickey opkg osx_defaults pacman pagerduty pam_limits pamd
parted patch pear pids pipx pkgng pnpm podman_container podman_image portage postgresql_db postgresql_ext
postgresql_info postgresql_ping postgresql_privs postgresql_query postgresql_user proxmox puppet rabbitmq_plugin
rabbitmq_queue rabbitmq_user rabbitmq_vhost redis redis_data redis_info redhat_subscription rhsm_repository route53
runit s3_bucket s3_object seboolean sefcontext selinux selinux_permissive selogin seport slack snap solaris_zone
ssh_config statsd sudoers supervisorctl svc synchronize sysctl syspatch systemd_info telegram terraform timezone ufw
uptimerobot vagrant vmware_guest win_command win_copy win_file win_shell x509_certificate xattr xfs_quota xml yarn zfs
zypper zypper_repository digital_ocean_droplet digital_ocean_firewall digital_ocean_sshkey cloudflare_dns
gcp_compute_instance azure_rm_virtualmachine acme_certificate acme_account aws_s3 cloudformation
"""
#: Modules that people know from Ansible. A task with one that we lack loads and may be skipped; it fails when it runs.
WELL_KNOWN: Final = frozenset(_WELL_KNOWN.split())

#: Free text goes to `_raw_params`, except these `key=value` words, which are arguments.
_COMMAND_OPTIONS: Final = frozenset({
    "creates", "removes", "chdir", "executable", "warn", "stdin", "stdin_add_newline", "strip_empty_ends",
    "expand_argument_vars",
})
RAW: Final[Mapping[str, frozenset[str]]] = {
    "command": _COMMAND_OPTIONS,
    "shell": _COMMAND_OPTIONS,
    "script": frozenset({"creates", "removes", "chdir", "executable", "cmd"}),
    "raw": frozenset({"executable"}),
    "win_command": _COMMAND_OPTIONS,
    "win_shell": _COMMAND_OPTIONS,
    "meta": frozenset(),
    "include_tasks": frozenset({"file"}),
    "import_tasks": frozenset({"file"}),
    "include_vars": frozenset({"file", "name", "dir", "depth"}),
}


def known_modules() -> frozenset[str]:
    """Names of the modules this program has, found by their files; none of them is imported."""
    names = set(LANGUAGE)
    for folder in ("remote/modules", "actions"):
        for file in (_PACKAGE / folder).glob("[a-z]*.py"):
            if _IS_MODULE.search(file.read_text(encoding="utf-8")):
                names.add(file.stem)
    return frozenset(names)


def canonical(name: str, ours: frozenset[str]) -> str | None:
    """The short name a task's module is kept under; None when nobody knows `name`.

    Names in a foreign collection that we have no module for are kept whole: they fail only when they run.
    """
    collection, _, short = name.rpartition(".")
    if not collection:
        short = ALIASES.get(name, name)
        return short if short in ours or short in WELL_KNOWN else None
    if collection in _BUILTIN:
        return canonical(short, ours)
    if collection.count(".") != 1 or not all(part.isidentifier() for part in name.split(".")):
        return None
    if HOMES.get(short) == _MOVED.get(collection, collection) and (short in ours or short in WELL_KNOWN):
        return short
    return None if collection == "ansible.builtin" else name


def spec_of(name: str) -> Spec | None:
    """The module's `Spec`; None for a module that we don't have or the language's own."""
    for package, folder in (("provisioner.actions", "actions"), ("provisioner.remote.modules", "remote/modules")):
        if name.isidentifier() and (_PACKAGE / folder / f"{name}.py").is_file():
            spec = getattr(importlib.import_module(f"{package}.{name}"), "SPEC", None)
            if isinstance(spec, Spec):
                return spec
    return None
