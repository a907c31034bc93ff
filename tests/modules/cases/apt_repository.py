from provisioner.testing.modules import Case

MAKE = (
    "mkdir -p /opt/case/repo && cd /opt/case/repo && : > Packages && "
    "printf 'Suite: case\\nCodename: case\\nComponents: main\\n' > Release"
)
LINE = "deb [trusted=yes] file:/opt/case/repo ./"
FAR = "deb https://user:word@x.example.org/debian/ case main"
LIST = "/etc/apt/sources.list.d/case.list"
OFF = f"printf '# {LINE}\\n' > {LIST}"

CASES = [
    Case("a new source", {"repo": LINE, "filename": "case", "update_cache": False},
         setup=[("shell", {"cmd": MAKE})], result={"sources_added": [LIST]}),
    Case("one that is there, written otherwise", {"repo": LINE.replace(" ", "  "), "update_cache": False},
         changes=False),
    Case("one that is switched off", {"repo": LINE, "filename": "case", "update_cache": False},
         setup=[("shell", {"cmd": OFF})], result={"sources_added": []}),
    Case("no longer", {"repo": LINE, "state": "absent", "update_cache": False}, result={"sources_removed": [LIST]}),
    Case("called by its address", {"repo": FAR, "update_cache": False},
         result={"sources_added": ["/etc/apt/sources.list.d/x_example_org_debian.list"]}),
    Case("gone again", {"repo": FAR, "state": "absent", "update_cache": False}),
    Case("no line", {"repo": "https://x.example.org/debian"}, fails="Invalid repository string"),
    Case("two lines", {"repo": f"{LINE}\ndeb https://x.example.org/ case main"}, fails="Invalid repository string"),
    Case("a PPA", {"repo": "ppa:some/one"}, fails="give the line that it stands for"),
    Case("a file elsewhere", {"repo": LINE, "filename": "../preferences.d/x"}, fails="without a directory"),
]
