"""Changes that people make by hand, by plain shell commands, each to what one task or one watch is about."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

TOOLS: Final = r"""
build() {  # name version folder
    mkdir -p /srv/build/DEBIAN "$3"
    printf 'Package: %s\nVersion: %s\nArchitecture: all\n' "$1" "$2" > /srv/build/DEBIAN/control
    printf 'Maintainer: nobody <nobody@example.com>\nDescription: a test\n' >> /srv/build/DEBIAN/control
    dpkg-deb -b /srv/build "$3/$1_$2_all.deb" > /dev/null
    rm -r /srv/build
}
offer() {  # folder suite
    cd "$1"
    for file in *.deb; do
        dpkg-deb -f "$file"
        sum=$(sha256sum "$file" | cut -d' ' -f1)
        printf 'Filename: ./%s\nSize: %s\nSHA256: %s\n\n' "$file" "$(stat -c %s "$file")" "$sum"
    done > Packages
    printf 'Origin: Tests\nLabel: Tests\nSuite: %s\n' "$2" > Release
    echo "deb [trusted=yes] file:$1 ./" > "/etc/apt/sources.list.d/$2.list"
    refresh "$2"
}
refresh() {  # suite
    apt-get -q update -o "Dir::Etc::sourcelist=/etc/apt/sources.list.d/$1.list" -o Dir::Etc::sourceparts=- \
        -o APT::Get::List-Cleanup=0 > /dev/null
}
"""
"""Shell functions: small packages, and places where apt finds them without a network."""

REPOSITORY: Final = """
set -e
. /srv/tools.sh
for each in wanted:1.0 exact:1.0 exact:2.0 unwanted:1.0 known:1.0 stray:1.0 risky:1.0; do
    build "${each%:*}" "${each#*:}" /srv/repo
done
offer /srv/repo tests
dpkg -i /srv/repo/known_1.0_all.deb /srv/repo/risky_1.0_all.deb > /dev/null
"""

UNIT: Final = "[Service]\\nExecStart=/bin/sleep infinity\\n[Install]\\nWantedBy=multi-user.target\\n"

SETUP: Final = f"""
mkdir -p /etc/systemd/system /opt/given
for unit in app two three four five six; do printf '{UNIT}' > /etc/systemd/system/$unit.service; done
mv /etc/systemd/system/three.service /usr/lib/systemd/system/
systemctl daemon-reload
printf '[server]\\nport = 80\\nhost = a\\n' > /etc/app.ini
printf 'LABEL=data /data ext4 defaults,noatime 0 2\\n' >> /etc/fstab
mkdir -p /tmp/given && echo one > /tmp/given/one && echo two > /tmp/given/two
tar -C /tmp/given -czf /opt/given.tar.gz one two
"""


@dataclass(frozen=True, slots=True)
class Drift:
    """task: the module and its arguments, in YAML. hand: what somebody does to it."""

    name: str
    task: str
    hand: str


DRIFTS: Final = (
    # files
    Drift("Settings", 'template: {src: settings.j2, dest: /etc/app.conf, mode: "0640", owner: root}',
          "sed -i s/8080/9090/ /etc/app.conf"),
    Drift("Motd", r'copy: {content: "welcome\n", dest: /etc/motd, mode: "0644"}', "chmod 0666 /etc/motd"),
    Drift("Script", r'copy: {content: "#!/bin/sh\n", dest: /usr/local/bin/app, mode: "0755"}',
          "rm /usr/local/bin/app"),
    Drift("Setuid", r'copy: {content: "#!/bin/sh\n", dest: /usr/local/bin/helper, mode: "0755"}',
          "chmod u+s /usr/local/bin/helper"),
    Drift("Empty", r'copy: {content: "x = 1\n", dest: /etc/empty.conf}', ": > /etc/empty.conf"),
    Drift("Replaced", r'copy: {content: "secret\n", dest: /etc/replaced.conf, follow: false}',
          "mv /etc/replaced.conf /etc/moved.conf; ln -s /etc/hostname /etc/replaced.conf"),
    Drift("Group of file", r'copy: {content: "x\n", dest: /etc/grouped.conf, group: root}',
          "chgrp daemon /etc/grouped.conf"),
    Drift("Folder", 'file: {path: /srv/data, state: directory, mode: "0750", owner: daemon, group: daemon}',
          "chown root /srv/data"),
    Drift("Removed folder", "file: {path: /srv/cache, state: directory}", "rm -r /srv/cache"),
    Drift("Tree", r'file: {path: /srv/tree, state: directory, recurse: true, owner: daemon}',
          "touch /srv/tree/new; chown root /srv/tree/new"),
    Drift("Link", "file: {src: /srv/data, dest: /srv/link, state: link}", "ln -sfn /tmp /srv/link"),
    Drift("Hard link", "file: {src: /etc/issue, dest: /srv/hard, state: hard, force: true}",
          "rm /srv/hard; cp /etc/issue /srv/hard"),
    Drift("Absent", "file: {path: /etc/old.conf, state: absent}", "touch /etc/old.conf"),
    Drift("Unpacked", "unarchive: {src: /opt/given.tar.gz, dest: /opt/given, remote_src: true}",
          "echo other > /opt/given/two"),
    # lines in files
    Drift("Line", 'lineinfile: {path: /etc/login.defs, regexp: "^UMASK", line: "UMASK 027"}',
          "sed -i 's/^UMASK.*/UMASK 022/' /etc/login.defs"),
    Drift("Mount", 'lineinfile: {path: /etc/fstab, line: "tmpfs /scratch tmpfs size=10m 0 0"}',
          "sed -i /scratch/d /etc/fstab"),
    Drift("Swap", 'lineinfile: {path: /etc/fstab, regexp: " swap ", state: absent}',
          "echo '/swapfile none swap sw 0 0' >> /etc/fstab"),
    Drift("Option", "replace: {path: /etc/fstab, regexp: 'defaults,noatime', replace: 'defaults,nodev'}",
          "sed -i s/defaults,nodev/defaults,noatime/ /etc/fstab"),
    Drift("Ini", "replace: {path: /etc/app.ini, regexp: '^port = .*', replace: 'port = 8080'}",
          "sed -i 's/^port.*/port = 81/' /etc/app.ini"),
    Drift("Block", 'blockinfile: {path: /etc/hosts, block: "192.0.2.1 db"}',
          "sed -i s/192.0.2.1/192.0.2.9/ /etc/hosts"),
    Drift("Sudo rule", r'copy: {content: "%staff2 ALL=(ALL) /bin/true\n", dest: /etc/sudoers.d/staff2, mode: "0440"}',
          "sed -i s,/bin/true,ALL, /etc/sudoers.d/staff2"),
    Drift("Keys", r'copy: {content: "ssh-ed25519 AAAA ada\n", dest: /srv/data/authorized_keys, mode: "0600"}',
          "echo ssh-ed25519 BBBB eve >> /srv/data/authorized_keys"),
    Drift("Repository", r'copy: {content: "# deb https://example.com/debian stable main\n", '
          "dest: /etc/apt/sources.list.d/own.list}",
          "sed -i s/example.com/example.net/ /etc/apt/sources.list.d/own.list"),
    # accounts
    Drift("Group", "group: {name: staff2, gid: 4200}", "groupmod -g 4300 staff2"),
    Drift("Group gone", "group: {name: team}", "groupdel team"),
    Drift("User", 'user: {name: app, shell: /usr/sbin/nologin, password: "{{ hash }}"}', "usermod -s /bin/bash app"),
    Drift("Password", 'user: {name: keeper, password: "{{ hash }}"}', "usermod -p '$6$x$other' keeper"),
    Drift("Member", "user: {name: member, groups: [staff2]}", "gpasswd -d member staff2"),
    Drift("Home", "user: {name: mover, home: /home/mover}", "usermod -d /tmp mover"),
    Drift("User gone", "user: {name: leaver}", "userdel leaver"),
    Drift("User back", "user: {name: intruder, state: absent}", "useradd intruder"),
    # jobs and the kernel
    Drift("Job", 'cron: {name: nightly, cron_file: app, user: root, minute: "5", hour: "3", job: /bin/true}',
          "sed -i s,/bin/true,/bin/false, /etc/cron.d/app"),
    Drift("Variable", "cron: {name: MAILTO, env: true, cron_file: app, user: root, job: ops@example.com}",
          "sed -i /MAILTO/d /etc/cron.d/app"),
    Drift("Kernel", 'sysctl: {name: vm.swappiness, value: "10", sysctl_file: /etc/sysctl.d/50-app.conf, reload: false}',
          "sed -i 's/10/60/' /etc/sysctl.d/50-app.conf"),
    Drift("Host name", "hostname: {name: lab-web}", "hostname other; echo other > /etc/hostname"),
    Drift("Time zone", "file: {src: /usr/share/zoneinfo/Etc/UTC, dest: /etc/localtime, state: link, force: true}",
          "ln -sfn /usr/share/zoneinfo/Etc/GMT+5 /etc/localtime"),
    # services
    Drift("Unit", f'copy: {{content: "{UNIT}Alias=x.service\\n", dest: /etc/systemd/system/extra.service}}',
          "echo Nice=5 >> /etc/systemd/system/extra.service"),
    Drift("Service", "systemd_service: {name: app, state: started, enabled: true}", "systemctl disable -q app"),
    Drift("Running", "systemd_service: {name: two, state: started}", "systemctl stop two"),
    Drift("Masked by hand", "systemd_service: {name: three, enabled: true, masked: false}",
          "systemctl mask -q three"),
    Drift("Unmasked", "systemd_service: {name: never, masked: true}", "systemctl unmask -q never"),
    Drift("Stopped", "systemd_service: {name: five, state: stopped}", "systemctl start five"),
    Drift("Disabled", "service: {name: six, enabled: false}", "systemctl enable -q six"),
    # packages
    Drift("Package", "apt: {name: wanted}", "dpkg -r wanted"),
    Drift("Version", "apt: {name: exact=2.0}", "dpkg -i /srv/repo/exact_1.0_all.deb"),
    Drift("Unwanted", "apt: {name: unwanted, state: absent}", "dpkg -i /srv/repo/unwanted_1.0_all.deb"),
)  # fmt: skip
"""By a task."""


@dataclass(frozen=True, slots=True)
class Unmanaged:
    """watch, item: what the finding says. hand: what somebody does."""

    watch: str
    item: str
    hand: str


PASSWORD: Final = "hunter2-4711"
"""In a job: it must not get into the record."""

WATCHED_BEFORE: Final = f"""
id app > /dev/null 2>&1 || useradd -s /usr/sbin/nologin app
mkdir -p /srv/managed /root/.ssh
printf '{UNIT}' > /etc/systemd/system/idle.service
printf '[Service]\\nExecStart=/bin/false\\n' > /etc/systemd/system/broken.service
printf '[Service]\\nExecStart=/usr/bin/python3 -m http.server 8123\\n' > /etc/systemd/system/stray.service
systemctl daemon-reload
echo '5 3 * * * root curl -u x:{PASSWORD} https://example.com' > /etc/cron.d/watched
"""

WATCHED: Final = (
    Unmanaged("packages", "stray", "dpkg -i /srv/repo/stray_1.0_all.deb"),
    Unmanaged("packages", "known", "dpkg -r known"),
    Unmanaged("ports", "tcp/8123", "systemctl start stray; "
              "for i in $(seq 600); do grep -q ':1FBB .* 0A ' /proc/net/tcp && break; sleep 0.1; done"),
    Unmanaged("users", "eve", "useradd -s /bin/bash eve"),
    Unmanaged("users", "app", "usermod -s /bin/sh app"),
    Unmanaged("sudoers", "/etc/sudoers.d/eve", "echo 'eve ALL=(ALL) NOPASSWD: ALL' > /etc/sudoers.d/eve"),
    Unmanaged("sudoers", "group sudo", "usermod -aG sudo eve"),
    Unmanaged("authorized_keys", "/root/.ssh/authorized_keys",
              "echo ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEVWRQ== eve >> /root/.ssh/authorized_keys"),
    Unmanaged("units", "idle.service", "systemctl enable -q idle"),
    Unmanaged("units", "ssh.service.d/eve.conf", "mkdir -p /etc/systemd/system/ssh.service.d; "
              "printf '[Service]\\nNice=5\\n' > /etc/systemd/system/ssh.service.d/eve.conf"),
    Unmanaged("units", "apt-daily.service", "systemctl mask -q apt-daily.service"),
    Unmanaged("crontabs", "/etc/cron.d/watched", "echo '* * * * * root /tmp/x' >> /etc/cron.d/watched"),
    Unmanaged("files", "/srv/managed/stray.conf", "touch /srv/managed/stray.conf"),
    Unmanaged("failed_units", "broken.service", "systemctl start broken; "
              "for i in $(seq 600); do systemctl -q is-failed broken && break; sleep 0.1; done"),
    Unmanaged("reboot", "", "echo linux-base > /run/reboot-required.pkgs; touch /run/reboot-required"),
    Unmanaged("certificates", "/etc/ssh/eve-cert.pub", "cd /etc/ssh && ssh-keygen -q -t ed25519 -N '' -f /srv/ca && "
              "ssh-keygen -q -t ed25519 -N '' -f eve && ssh-keygen -q -s /srv/ca -h -I x -n x -V +5d eve.pub"),
    Unmanaged("security_updates", "", ". /srv/tools.sh; build risky 2.0 /srv/security; "
              "offer /srv/security stable-security"),
)  # fmt: skip
"""By the watch list: nothing of it is what a task is about."""

WATCHES: Final = """
watch:
  - hosts: all
    what: [packages, ports, users, sudoers, authorized_keys, units, crontabs, failed_units, reboot, security_updates,
           certificates, disk: {below: 0.01 %}, files: {in: [/srv/managed]}]
"""

BY_ITSELF: Final = r"""
set -e
. /srv/tools.sh
refresh tests
find /var/lib/apt/lists -type f -exec touch {} +
printf 'x\n' >> /var/log/daily.log
mv /var/log/daily.log /var/log/daily.log.1; gzip -f /var/log/daily.log.1; touch /var/log/daily.log
systemctl restart ssh.service systemd-journald.service
journalctl -q --rotate; journalctl -q --vacuum-files=1
dpkg-reconfigure -f noninteractive openssh-server > /dev/null 2>&1
build known "1.1.$(date +%s)" /srv/later; dpkg -i /srv/later/known_*.deb > /dev/null; rm -r /srv/later
mkdir -p /srv/cache/pages; head -c 100000 /dev/urandom > "/srv/cache/pages/$(date +%s%N).html"
touch /var/lib/apt/periodic/update-success-stamp 2> /dev/null || true
mkdir -p /etc/letsencrypt/live/site && cd /etc/letsencrypt/live/site && openssl req -quiet -x509 -newkey ec \
    -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=site.example.com -days 90 -keyout key.new -out cert.new &&
    mv key.new privkey.pem && mv cert.new cert.pem
systemd-tmpfiles --clean; systemctl daemon-reload; systemctl start apt-daily.timer
for i in $(seq 600); do ssh-keyscan -T 2 127.0.0.1 > /dev/null 2>&1 && break; sleep 0.1; done
"""
"""What happens on every server on every day."""
