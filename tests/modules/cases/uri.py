from provisioner.testing.modules import Call, Case

SERVER: list[Call] = [
    (
        "shell",
        {
            "cmd": "mkdir -p /opt/case/web && echo '{\"a\": [1]}' > /opt/case/web/a.json && "
            "(systemctl is-active -q case-web || "
            "systemd-run -q --unit=case-web python3 -m http.server 8099 --bind 127.0.0.1 -d /opt/case/web)"
        },
    ),
    ("wait_for", {"port": 8099, "timeout": 20}),
]
URL = "http://127.0.0.1:8099"

CASES = [
    Case(
        "JSON",
        {"url": f"{URL}/a.json", "return_content": True},
        setup=SERVER,
        changes=False,
        result={"status": 200, "json": {"a": [1]}, "content": '{"a": [1]}\n', "content_type": "application/json"},
    ),
    Case(
        "a status that is expected",
        {"url": f"{URL}/no", "status_code": [200, 404]},
        setup=SERVER,
        changes=False,
        result={"status": 404},
    ),
    Case(
        "a status that is not",
        {"url": f"{URL}/no"},
        setup=SERVER,
        checks="unknown",
        fails="Status code was 404 and not [200]",
    ),
    Case("nobody there", {"url": "http://127.0.0.1:9/"}, checks="unknown", fails="Status code was -1"),
    Case(
        "a method that changes something",
        {"url": URL, "method": "POST", "status_code": 501},
        setup=SERVER,
        checks="unknown",
        changes=False,
    ),
    Case(
        "an answer in a file",
        {"url": f"{URL}/a.json", "dest": "/opt/case/uri.json", "mode": "0600"},
        setup=SERVER,
        same_diff=False,
        result={"mode": "0600", "path": "/opt/case/uri.json"},
    ),
    Case("nothing to do", {"url": "http://127.0.0.1:9/", "creates": "/etc/hostname"}, changes=False),
    Case("not the web", {"url": "file:///etc/shadow"}, fails="is not an http or https address"),
]
