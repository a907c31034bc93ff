from provisioner.testing.modules import Case

CASES = [
    Case("an account", {"database": "passwd", "key": "root"}, changes=False,
         result={"ansible_facts": {"getent_passwd": {"root": ["x", "0", "0", "root", "/root", "/bin/bash"]}}}),
    Case("all groups, with fields between other marks", {"database": "group", "split": "o"}, changes=False),
    Case("a service", {"database": "services", "key": "ssh", "service": "files"}, changes=False,
         result={"ansible_facts": {"getent_services": {"ssh": ["22/tcp"]}}},
         setup=[("shell", {"cmd": "grep -q '^ssh[[:space:]]' /etc/services || echo 'ssh 22/tcp' >> /etc/services"})]),
    Case("nobody", {"database": "passwd", "key": "nobody-is-called-so"}, fails="could not be found in the database"),
    Case("nobody, and no failure", {"database": "passwd", "key": "nobody-is-called-so", "fail_key": False},
         changes=False, result={"ansible_facts": {"getent_passwd": {"nobody-is-called-so": None}}}),
    Case("no such database", {"database": "colours"}, fails="database unknown: colours"),
    Case("an option as a database", {"database": "--help"}, fails="database unknown: --help"),
]
