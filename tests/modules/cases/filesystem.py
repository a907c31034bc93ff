from provisioner.testing.modules import Case


def image(name: str, size: str = "8M") -> tuple[str, dict[str, str]]:
    return "shell", {"cmd": f"mkdir -p /opt/case && rm -f /opt/case/{name} && truncate -s {size} /opt/case/{name}"}


def put(at: int, octal: str) -> tuple[str, dict[str, str]]:
    return "shell", {"cmd": f"printf %b '{octal}' | dd of=/opt/case/table bs=1 seek={at} conv=notrunc"}


CASES = [
    Case("an empty device", {"dev": "/opt/case/empty", "fstype": "ext4"}, setup=[image("empty")]),
    Case("with options", {"dev": "/opt/case/options", "type": "ext2", "opts": "-L 'two words'"},
         setup=[image("options")]),
    Case("swap", {"device": "/opt/case/swap", "fstype": "swap"}, setup=[image("swap")]),
    Case(
        "a file system that is there",
        {"dev": "/opt/case/there", "fstype": "ext4"},
        setup=[image("there"), ("shell", {"cmd": "mkfs.ext4 -q /opt/case/there"})],
        changes=False,
    ),
    Case(
        "one that fills its device",
        {"dev": "/opt/case/grown", "fstype": "ext4", "resizefs": True},
        setup=[image("grown"), ("shell", {"cmd": "mkfs.ext4 -q /opt/case/grown; truncate -s 64M /opt/case/grown"})],
    ),
    Case(
        "another file system",
        {"dev": "/opt/case/other", "fstype": "ext4"},
        setup=[image("other"), ("shell", {"cmd": "mkswap /opt/case/other"})],
        fails="holds swap already",
    ),
    Case(
        "a partition table",
        {"dev": "/opt/case/table", "fstype": "ext4"},
        setup=[image("table"), put(450, "\\0203"), put(454, "\\010\\0\\0\\0\\010"), put(510, "\\0125\\0252")],
        fails="holds a partition table (dos) already",
    ),
    Case("formatted over", {"dev": "/opt/case/x", "fstype": "ext4", "force": True}, fails="`force` is refused"),
    Case("a directory", {"dev": "/etc", "fstype": "ext4"}, fails="is a directory, not a block device"),
    Case("no device", {"dev": "/opt/case/none", "fstype": "ext4"}, fails="there is no device", checks="unknown"),
    Case("no program", {"dev": "/opt/case/xfs", "fstype": "xfs"}, setup=[image("xfs")],
         fails="install the package xfsprogs", checks="changed"),
]
