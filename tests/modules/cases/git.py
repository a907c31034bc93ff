from provisioner.testing.modules import Call, Case

PACKAGES = ("git",)
SOURCE = """
set -e; export HOME=/root; rm -rf /opt/case; git init -q -b main /opt/case/work; cd /opt/case/work
git config user.email a@example.com; git config user.name a
for n in 1 2 3; do echo $n > file; git add file; git commit -qm $n; git tag v$n; done
git branch other v1; git clone -q --bare /opt/case/work /opt/case/source.git
"""
FRESH: list[Call] = [("shell", {"cmd": SOURCE})]
REPO, COPY = "/opt/case/source.git", "/opt/case/copy"


def cloned(version: str, **more: object) -> Call:
    return ("git", {"repo": REPO, "dest": COPY, "version": version, **more})


CASES = [
    Case("a new working copy", {"repo": REPO, "dest": "/opt/case/new/copy"}, setup=FRESH, result={"before": None}),
    Case("an older tag", {"repo": REPO, "dest": COPY, "version": "v1"}, setup=[cloned("main")]),
    Case("another branch", {"repo": REPO, "dest": COPY, "version": "other"}, setup=[cloned("v3")]),
    Case(
        "local changes that may go",
        {"repo": REPO, "dest": COPY, "version": "main", "force": True},
        setup=[cloned("main", force=True), ("shell", {"cmd": f"echo x > {COPY}/file"})],
    ),
    Case(
        "local changes that may not go",
        {"repo": REPO, "dest": COPY, "version": "main"},
        setup=[("shell", {"cmd": f"echo x > {COPY}/file"})],
        fails="Local modifications exist",
    ),
    Case(
        "from another place",
        {"repo": f"file://{REPO}", "dest": COPY, "version": "main", "force": True},
        result={"remote_url_changed": True},
    ),
    Case(
        "half a checkout",
        {"repo": REPO, "dest": COPY, "version": "main"},
        setup=[cloned("main", force=True), ("shell", {"cmd": f"rm {COPY}/.git/index"})],
    ),
    Case(
        "half another checkout",
        {"repo": REPO, "dest": COPY, "version": "main"},
        setup=[("shell", {"cmd": f"echo x > {COPY}/file; touch {COPY}/.git/provision-unfinished"})],
    ),
    Case("only what is newest", {"repo": f"file://{REPO}", "dest": "/opt/case/flat", "version": "v2", "depth": 1}),
    Case(
        "from a shallow copy to a branch",
        {"repo": f"file://{REPO}", "dest": "/opt/case/flat", "version": "other", "depth": 1},
    ),
    Case("no working files", {"repo": REPO, "dest": "/opt/case/bare.git", "bare": True}),
    Case("with its repository elsewhere",
         {"repo": REPO, "dest": "/opt/case/apart", "separate_git_dir": "/opt/case/apart.git"}),
    Case("whose repository moves", {"repo": REPO, "dest": "/opt/case/apart", "separate_git_dir": "/opt/case/moved.git"},
         result={"git_dir_before": "/opt/case/apart.git", "git_dir_now": "/opt/case/moved.git"}),
    Case("whose repository stays elsewhere", {"repo": REPO, "dest": "/opt/case/apart", "version": "v1"}),
    Case("half a checkout of a repository elsewhere", {"repo": REPO, "dest": "/opt/case/apart", "version": "v1"},
         setup=[("shell", {"cmd": "echo x > /opt/case/apart/file; touch /opt/case/moved.git/provision-unfinished"})]),
    Case("a place for the repository that is taken",
         {"repo": REPO, "dest": "/opt/case/apart", "separate_git_dir": "/opt/case/work"}, fails="already exists"),
    Case("a repository that is nowhere", {"repo": REPO, "dest": "/opt/case/lost"}, fails="does not say where",
         setup=[("shell", {"cmd": "mkdir /opt/case/lost; echo some text > /opt/case/lost/.git"})]),
    Case("an archive of a new copy",
         {"repo": REPO, "dest": "/opt/case/kept", "version": "v1", "archive": "/opt/case/archives/a.tgz"}),
    Case("an archive of a copy that is there", {
        "repo": REPO, "dest": "/opt/case/kept", "update": False, "archive": "/opt/case/a.zip",
        "archive_prefix": "kept/"}),
    Case("an archive of another commit",
         {"repo": REPO, "dest": "/opt/case/kept", "version": "v2", "archive": "/opt/case/archives/a.tgz"}),
    Case("an archive of no known kind", {"repo": REPO, "dest": COPY, "archive": "/opt/case/a.rar"},
         fails="Unsupported archive format"),
    Case("left as it is", {"repo": REPO, "dest": COPY, "version": "v1", "update": False}, changes=False),
    Case("only a look", {"repo": REPO, "clone": False}, repeats=False),
    Case(
        "no such version",
        {"repo": REPO, "dest": "/opt/case/x", "version": "nope"},
        fails="no branch, tag or commit `nope`",
    ),
    Case(
        "a repository that runs a program",
        {"repo": "ext::sh -c 'touch /tmp/case-marker'", "dest": "/opt/case/x"},
        fails="not allowed",
    ),
    Case(
        "an option as a repository",
        {"repo": "--upload-pack=touch /tmp/case-marker", "dest": "/opt/case/x"},
        fails="is not a repository",
    ),
    Case(
        "an option as a version",
        {"repo": REPO, "dest": COPY, "version": "--orphan"},
        fails="is not a name that git allows",
    ),
    Case(
        "whoever answers, by an option",
        {"repo": REPO, "dest": COPY, "ssh_opts": "-o StrictHostKeyChecking=no"},
        fails="switch off the check of the server's key",
    ),
]
