from provisioner.testing.modules import Case

TABLE = "/opt/case/fstab"
SMALL = {"src": "tmpfs", "fstype": "tmpfs", "opts": "size=1m", "fstab": TABLE}


def emptied(path: str) -> tuple[str, dict[str, str]]:
    return "shell", {"cmd": f"umount {path}; rm -rf {path} {TABLE}; mkdir -p /opt/case; printf '# kept\\n' > {TABLE}"}


MOUNTED = ("mount", {"path": "/opt/case/there", "state": "mounted", **SMALL})

CASES = [
    Case("now and at boot", {"path": "/opt/case/new", "state": "mounted", **SMALL},
         setup=[emptied("/opt/case/new")], result={"name": "/opt/case/new", "fstype": "tmpfs"}),
    Case("a place with a space", {"path": "/opt/case/a b", "state": "mounted", **SMALL},
         setup=[emptied("'/opt/case/a b'")]),
    Case("in fstab alone", {"path": "/opt/case/later", "state": "present", **SMALL},
         setup=[emptied("/opt/case/later")]),
    Case("now alone", {"path": "/opt/case/now", "state": "ephemeral", **SMALL},
         setup=[emptied("/opt/case/now")]),
    Case("other options", {"path": "/opt/case/there", "state": "mounted", **SMALL, "opts": "size=2m,noexec"},
         setup=[emptied("/opt/case/there"), MOUNTED]),
    Case("a directory at another place",
         {"path": "/opt/case/bound", "src": "/etc", "fstype": "none", "opts": "bind", "state": "mounted",
          "fstab": TABLE},
         setup=[emptied("/opt/case/bound")]),
    Case("not now", {"path": "/opt/case/there", "state": "unmounted"}, setup=[emptied("/opt/case/there"), MOUNTED]),
    Case("neither", {"path": "/opt/case/there", "state": "absent", "fstab": TABLE},
         setup=[emptied("/opt/case/there"), MOUNTED]),
    Case("neither, and a directory with files", {"path": "/opt/case/full", "state": "absent", "fstab": TABLE},
         changes=False,
         setup=[emptied("/opt/case/full"), ("shell", {"cmd": "mkdir /opt/case/full; touch /opt/case/full/file"})]),
    Case("swap in fstab", {"path": "none", "src": "/swapfile", "fstype": "swap", "opts": "sw", "state": "present",
                           "fstab": TABLE}, setup=[emptied("/opt/case/none")]),
    Case("no swap in fstab", {"path": "none", "fstype": "swap", "state": "absent", "fstab": TABLE},
         setup=[emptied("/opt/case/none"), ("shell", {"cmd": f"echo /swapfile none swap sw 0 0 >> {TABLE}"})]),
    Case("what can't be mounted", {"path": "/opt/case/bad", "src": "/dev/null", "fstype": "ext4", "state": "mounted",
                                   "fstab": TABLE},
         setup=[emptied("/opt/case/bad")], fails="`mount -t ext4", checks="changed"),
    Case("what is mounted there already", {"path": "/opt/case/there", "src": "/dev/null", "fstype": "ext4",
                                           "state": "mounted", "fstab": TABLE},
         setup=[emptied("/opt/case/there"), MOUNTED], fails="tmpfs is mounted at /opt/case/there, not /dev/null"),
    Case("not a place", {"path": "srv", "state": "mounted", **SMALL}, fails="has to be an absolute path"),
    Case("an option as a source", {"path": "/opt/case/x", "state": "mounted", **SMALL, "src": "-a"},
         fails="`src` can't be"),
]
