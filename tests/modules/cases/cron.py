from provisioner.testing.modules import Case

PACKAGES = ("cron",)
JOB = {"name": "case", "hour": "3", "minute": "30", "job": "/bin/true > /dev/null 2>&1"}

CASES = [
    Case("a new job", JOB, result={"jobs": ["case"], "envs": []}),
    Case("at another time", {**JOB, "hour": "4"}, setup=[("cron", JOB)]),
    Case("by a nickname", {"name": "daily", "special_time": "daily", "job": "/bin/true"}),
    Case("switched off", {**JOB, "disabled": True}, setup=[("cron", JOB)]),
    Case("a variable", {"name": "MAILTO", "env": True, "job": "ops@example.com"}, result={"envs": ["MAILTO"]}),
    Case("a variable behind another", {"name": "LANG", "env": True, "job": "C", "insertafter": "MAILTO"}),
    Case(
        "behind one that is not there",
        {"name": "X", "env": True, "job": "1", "insertafter": "NO"},
        fails="Variable named 'NO' not found",
    ),
    Case("no variable", {"name": "MAILTO", "env": True, "state": "absent"}),
    Case("of another user", {**JOB, "user": "nobody"}),
    Case("in /etc/cron.d", {**JOB, "cron_file": "case", "user": "root"}, result={"cron_file": "case"}),
    Case("with a backup", {**JOB, "hour": "5", "backup": True}),
    Case("no job", {"name": "case", "state": "absent"}),
    Case("no job in /etc/cron.d", {"name": "case", "state": "absent", "cron_file": "case"}),
    Case(
        "a second line in the job",
        {"name": "x", "job": "true\n* * * * * root touch /tmp/case-marker"},
        fails="can't hold a line break",
    ),
    Case("a second line in the name", {"name": "x\n* * * * * id", "job": "true"}, fails="can't hold a line break"),
    Case(
        "a second line in a variable",
        {"name": "X", "env": True, "job": "1\n* * * * * id"},
        fails="can't hold a line break",
    ),
    Case(
        "a command in a field",
        {"name": "x", "minute": "* * * * * id #", "job": "true"},
        fails="is not a field of a crontab",
    ),
    Case("an option as a user", {"name": "x", "job": "true", "user": "-r"}, fails="can't be the name of a user"),
    Case("a user who is not there", {"name": "x", "job": "true", "user": "nobody-here"}, fails="no user nobody-here"),
    Case(
        "the table of the system",
        {"name": "x", "job": "true", "user": "root", "cron_file": "/etc/crontab"},
        fails="Will not manage /etc/crontab via cron_file",
    ),
    Case(
        "a file elsewhere",
        {"name": "x", "job": "true", "user": "root", "cron_file": "../passwd"},
        fails="is not a file name",
    ),
]
