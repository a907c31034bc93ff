from provisioner.testing.modules import Call, Case

SERVER: list[Call] = [
    (
        "shell",
        {
            "cmd": "mkdir -p /opt/case/geturl/web && cd /opt/case/geturl && echo tool > web/tool && "
            "(cd web && sha256sum tool > SUMS) && "
            "(systemctl is-active -q case-geturl || "
            "systemd-run -q --unit=case-geturl python3 -m http.server 8098 --bind 127.0.0.1 -d /opt/case/geturl/web)"
        },
    ),
    ("wait_for", {"port": 8098, "timeout": 20}),
]
URL = "http://127.0.0.1:8098"
DEST = "/opt/case/geturl"
SUM = "sha256:b6dab7bf14ab9af0ed5318ddd3b6f4c9ea5fdfbd1bd9d4d9c3d5a1a2f0a6b000"

CASES = [
    Case(
        "a new file",
        {"url": f"{URL}/tool", "dest": f"{DEST}/tool", "mode": "0755"},
        setup=SERVER,
        result={"status_code": 200, "mode": "0755", "dest": f"{DEST}/tool", "size": 5},
    ),
    Case(
        "checked with a list",
        {"url": f"{URL}/tool", "dest": f"{DEST}/", "checksum": f"sha256:{URL}/SUMS"},
        setup=[*SERVER, ("file", {"path": f"{DEST}/tool", "state": "absent"})],
        result={"dest": f"{DEST}/tool"},
    ),
    Case(
        "it is there already",
        {"url": f"{URL}/tool", "dest": f"{DEST}/tool", "checksum": f"sha256:{URL}/SUMS"},
        setup=SERVER,
        changes=False,
        result={"msg": "file already exists"},
    ),
    Case(
        "other content is there",
        {"url": f"{URL}/tool", "dest": f"{DEST}/tool", "force": True, "backup": True},
        setup=[*SERVER, ("shell", {"cmd": f"echo mine > {DEST}/tool"})],
    ),
    Case(
        "another mode",
        {"url": f"{URL}/tool", "dest": f"{DEST}/tool", "mode": "0700"},
        setup=SERVER,
        result={"mode": "0700"},
    ),
    Case(
        "not what was meant",
        {"url": f"{URL}/tool", "dest": f"{DEST}/other", "checksum": SUM},
        setup=SERVER,
        checks="changed",
        fails="did not match",
    ),
    Case("not there", {"url": f"{URL}/no", "dest": f"{DEST}/no"}, setup=SERVER, fails="404"),
    Case(
        "nobody there", {"url": "http://127.0.0.1:9/x", "dest": f"{DEST}/no"}, checks="unknown", fails="Request failed"
    ),
    Case(
        "a checksum without its kind", {"url": URL, "dest": f"{DEST}/x", "checksum": "abc"}, fails="must be written as"
    ),
]
