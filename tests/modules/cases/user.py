from provisioner.testing.modules import Case

HASH = "$6$saltsalt$" + "a" * 86
OTHER = "$6$saltsalt$" + "b" * 86
MADE = [("user", {"name": "case", "groups": "adm", "comment": "Case"})]

CASES = [
    Case(
        "a new user",
        {"name": "case", "shell": "/bin/bash", "comment": "A case", "groups": ["adm", "users"]},
        result={
            "home": "/home/case",
            "shell": "/bin/bash",
            "comment": "A case",
            "groups": "adm,users",
            "state": "present",
        },
    ),
    Case(
        "a system user without a home",
        {"name": "daemon1", "system": True, "create_home": False, "shell": "/usr/sbin/nologin"},
    ),
    Case("a user whose group is there already", {"name": "twin"}, setup=[("group", {"name": "twin"})]),
    Case(
        "all at once",
        {
            "name": "full",
            "uid": 4000,
            "group": "adm",
            "home": "/opt/case/full",
            "password": HASH,
            "expires": 1893456000,
            "password_expire_max": 90,
            "password_expire_min": 1,
            "password_expire_warn": 5,
            "umask": "077",
        },
        setup=[("file", {"path": "/opt/case", "state": "directory"})],
        result={"uid": 4000, "home": "/opt/case/full"},
    ),
    Case("another shell and comment", {"name": "case", "shell": "/bin/sh", "comment": "Changed"}, setup=MADE),
    Case(
        "a shell in the home of who runs the task",
        {"name": "case", "shell": "~/shell"},
        setup=MADE,
        result={"shell": "/root/shell"},
    ),
    Case("a further group", {"name": "case", "groups": ["users"], "append": True}, setup=MADE),
    Case(
        "no groups to append",
        {"name": "case", "append": True},
        setup=MADE,
        changes=False,
        result={"warnings": ["'append' is set, but no 'groups' are specified. Use 'groups' to name those to add"]},
    ),
    Case("exactly these groups", {"name": "case", "groups": ["users"]}, setup=MADE),
    Case("no groups", {"name": "case", "groups": []}, setup=MADE),
    Case("groups it has already", {"name": "case", "groups": "adm", "append": True}, setup=MADE, changes=False),
    Case("a home that is made later", {"name": "late"}, setup=[("user", {"name": "late", "create_home": False})]),
    Case(
        "a home that moves",
        {"name": "mover", "home": "/opt/case/mover", "move_home": True},
        setup=[("file", {"path": "/opt/case", "state": "directory"}), ("user", {"name": "mover"})],
    ),
    Case("a password", {"name": "case", "password": HASH}, setup=MADE, result={"password": "NOT_LOGGING_PASSWORD"}),
    Case("another password", {"name": "case", "password": OTHER}, setup=[("user", {"name": "case", "password": HASH})]),
    Case(
        "a password that is only set once",
        {"name": "case", "password": HASH, "update_password": "on_create"},
        setup=[("user", {"name": "case", "password": OTHER})],
        changes=False,
    ),
    Case(
        "a locked password",
        {"name": "case", "password_lock": True},
        setup=[("user", {"name": "case", "password": HASH})],
    ),
    Case(
        "an unlocked password",
        {"name": "case", "password_lock": False},
        setup=[("user", {"name": "case", "password_lock": True})],
    ),
    Case("a password that is locked as well", {"name": "locked", "password": HASH, "password_lock": True}),
    Case("an end", {"name": "case", "expires": 1893456000}, setup=MADE),
    Case("no end", {"name": "case", "expires": -1}, setup=[("user", {"name": "case", "expires": 1893456000})]),
    Case(
        "a key",
        {"name": "keyed", "generate_ssh_key": True, "ssh_key_type": "ed25519", "ssh_key_passphrase": "open sesame"},
        result={"ssh_key_file": "/home/keyed/.ssh/id_ed25519"},
    ),
    Case("gone with everything", {"name": "case", "state": "absent", "remove": True}, setup=MADE),
    Case("never there", {"name": "never", "state": "absent"}, changes=False),
    Case(
        "a group that is not there",
        {"name": "lost", "group": "no-such-group"},
        fails="Group no-such-group does not exist",
    ),
    Case("an option as a name", {"name": "-r"}, fails="can't be the name of a user"),
    Case(
        "a second line in the comment",
        {"name": "case", "comment": "x\nroot2::0:0::/:/bin/sh"},
        fails="can't hold a colon or a line break",
    ),
    Case("a second field in the shell", {"name": "case", "shell": "/bin/sh:x"}, fails="can't hold a colon"),
    Case("a second line in the password", {"name": "case", "password": "x\nroot:y"}, fails="can't hold a colon"),
]
