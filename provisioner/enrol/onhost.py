"""What is done on a new host: shell scripts, each of which may be killed anywhere and run again.

sshd reads its host keys anew for every connection, so a key is never replaced: the new one is listed beside the old
ones, and these go after a connection was verified by the new one.
"""

from __future__ import annotations

import shlex
from typing import Final

from provisioner.diag import HostFailed, HostUnreachable
from provisioner.enrol.userdata import KEY, SSHD
from provisioner.transport.connection import Connection, Deadline, NoMoreSessions, StreamLost

UNIT: Final = "/etc/systemd/system/provision-metadata.service"
METADATA: Final = "169.254.169.254"

_BEGIN: Final = "set -eu; PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin; export PATH; umask 022\n"

CLOUD_INIT: Final = """
command -v cloud-init >/dev/null || exit 0
cloud-init status --wait >/dev/null 2>&1 || cloud-init status --long 2>&1 | tail -n 20
"""
"""Ends when cloud-init has. Prints what went wrong, nothing if all is well."""

MAKE_KEY: Final = f"""
if ! [ -s {KEY} ]; then
    rm -f {KEY}.new {KEY}.new.pub
    (umask 077; ssh-keygen -q -t ed25519 -N '' -C '' -f {KEY}.new)
    rm -f {KEY}.new.pub
    mv -f {KEY}.new {KEY}
fi
ssh-keygen -y -f {KEY} > {KEY}.pub.new
mv -f {KEY}.pub.new {KEY}.pub
cat {KEY}.pub
"""
"""Makes the host's own key, once, and prints the public half."""

_APPLY: Final = f"""
if ! grep -Eqi '^[[:space:]]*Include[[:space:]]+.*sshd_config[.]d/' /etc/ssh/sshd_config; then
    echo 'its /etc/ssh/sshd_config does not include /etc/ssh/sshd_config.d (OpenSSH 8.2 or newer does)' >&2
    exit 3
fi
mkdir -p /run/sshd
rm -f {SSHD}.old
if [ -e {SSHD} ]; then cp -p {SSHD} {SSHD}.old; fi
mv -f {SSHD}.new {SSHD}
if ! sshd -t; then
    if [ -e {SSHD}.old ]; then mv -f {SSHD}.old {SSHD}; else rm -f {SSHD}; fi
    exit 4
fi
rm -f {SSHD}.old
for unit in ssh.service sshd.service; do
    if systemctl is-active --quiet $unit; then systemctl reload $unit; break; fi
done
"""

INSTALL: Final = f"""
printf '%s\\n' "$1" > {KEY}-cert.pub.new
mv -f {KEY}-cert.pub.new {KEY}-cert.pub
{{
    echo '# Written by provision. Its CA signs this key; the other keys go when that is seen to work.'
    echo 'HostKey {KEY}'
    echo 'HostCertificate {KEY}-cert.pub'
    for old in /etc/ssh/ssh_host_*_key; do
        if [ -f "$old" ]; then echo "HostKey $old"; fi
    done
}} > {SSHD}.new
{_APPLY}
"""
"""$1: the certificate. The host shows it from now on, beside its other keys."""

SETTLE: Final = f"""
{{
    echo '# Written by provision: the one key of this host, signed by the CA of its site.'
    echo 'HostKey {KEY}'
    echo 'HostCertificate {KEY}-cert.pub'
}} > {SSHD}.new
{_APPLY}
rm -f /etc/ssh/ssh_host_*_key /etc/ssh/ssh_host_*_key.pub /etc/ssh/ssh_host_*_key-cert.pub
if [ -d /etc/cloud ]; then
    mkdir -p /etc/cloud/cloud.cfg.d
    {{
        echo '# Written by provision: the host has a key of its own, see {SSHD}.'
        echo 'ssh_deletekeys: false'
        echo 'ssh_genkeytypes: []'
    }} > /etc/cloud/cloud.cfg.d/99-provision.cfg
fi
for copy in /var/lib/cloud/instances/*/*.txt /var/lib/cloud/instances/*/*.txt.i /var/lib/cloud/instances/*/obj.pkl \
        /run/cloud-init/*.json; do
    if [ -f "$copy" ] && grep -qa 'OPENSSH PRIVATE KEY' "$copy"; then rm -f "$copy"; fi
done
cat > {UNIT}.new <<'END'
# Written by provision. User data and credentials of the machine are root's business: any other user, and containers,
# would get them from here. `systemctl disable --now provision-metadata` opens it again.
[Unit]
Description=Close the metadata service of the cloud to everybody but root
# systemd-networkd takes away rules it does not know when it starts.
After=network.target systemd-networkd.service
PartOf=systemd-networkd.service

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStartPre=-/bin/sh -c 'ip rule del pref 5100; ip rule del pref 5101'
ExecStart=/bin/sh -ec 'ip rule add pref 5101 to {METADATA}/32 prohibit; \\
    ip rule add pref 5100 to {METADATA}/32 iif lo uidrange 0-0 lookup main'
ExecStop=-/bin/sh -c 'ip rule del pref 5100; ip rule del pref 5101'

[Install]
WantedBy=multi-user.target
END
if ! cmp -s {UNIT}.new {UNIT}; then
    mv -f {UNIT}.new {UNIT}
    systemctl daemon-reload
    systemctl enable --quiet provision-metadata
    systemctl restart provision-metadata
else
    rm -f {UNIT}.new
    systemctl enable --quiet --now provision-metadata
fi
sync
"""
"""The host shows nothing but its own key: the others, and copies of what it was told, are gone."""

ALIVE: Final = ":"


def run(connection: Connection, script: str, *arguments: str, what: str, timeout: float) -> str:
    """What `script` prints, run as root. what: its work, in words for the error.

    Raises `HostFailed` if it fails or takes longer than `timeout` seconds, `HostUnreachable` if the connection does.
    """
    command = ["/bin/sh", "-c", _BEGIN + script, "sh", *arguments]
    if connection.user != "root":
        command = ["sudo", "-n", *command]
    deadline, output = Deadline(timeout), b""
    try:
        stream = connection.open_stream(shlex.join(command))
        try:
            while (data := stream.read(1 << 16, min(deadline.left, 5.0))) != b"":
                output += data or b""
                if deadline.passed:
                    raise HostFailed(f"{what} did not end within {timeout:.0f} s")
            status, said = stream.exit_status(), stream.stderr_tail().strip()
        finally:
            stream.close()
    except (StreamLost, NoMoreSessions) as lost:
        raise HostUnreachable(f"The connection was lost in {what}: {lost}") from None
    if status != 0:
        raise HostFailed(f"{what} failed ({status}): {said or output.decode('utf-8', 'backslashreplace').strip()}")
    return output.decode("utf-8", "backslashreplace")
