from __future__ import annotations

from dataclasses import replace

from provisioner.schedule.units import Job, described, environment, quoted, service, timer

JOB = Job(name="shop", schedule="every 15 min", calendars=("*-*-* *:00/15:00",), program=("/opt/bin/provision",),
          words=("drift", "site.yml", "-i", "hosts"), directory="/srv/my ops", environment=("/etc/p/shop.env",),
          result="/root/state/shop", writable=("/root/state",), delay=90, user="root")  # fmt: skip


def test_a_check_may_write_its_own_records_and_nothing_else() -> None:
    lines = service(JOB).splitlines()
    assert [line for line in lines if line.startswith(("ProtectSystem", "ReadWritePaths"))] == [
        "ProtectSystem=strict", 'ReadWritePaths="-/root/state"']  # fmt: skip
    for line in ("NoNewPrivileges=yes", "PrivateTmp=yes", "Type=oneshot", "TimeoutStartSec=1800", "User=root",
                 "WorkingDirectory=/srv/my ops", "ExecStart=/opt/bin/provision drift site.yml -i hosts",
                 "SuccessExitStatus=2"):  # fmt: skip
        assert line in lines


def test_an_apply_may_change_this_machine_and_its_code_2_is_a_failure() -> None:
    text = service(replace(JOB, words=("apply", "site.yml", "--yes")))
    assert "ProtectSystem" not in text
    assert "NoNewPrivileges" not in text
    assert "SuccessExitStatus" not in text


def test_a_users_own_service_asks_for_nothing_that_only_root_may() -> None:
    text = service(replace(JOB, user=""))
    for name in ("User=", "CapabilityBoundingSet", "PrivateDevices", "ProtectKernelModules", "network-online"):
        assert name not in text
    assert "ProtectSystem=strict" in text


def test_a_credential_is_a_file_whose_path_is_in_a_variable() -> None:
    text = service(replace(JOB, credentials=(("AWS_SHARED_CREDENTIALS_FILE", "/root/100%"),)))
    assert "LoadCredential=AWS_SHARED_CREDENTIALS_FILE:/root/100%%\n" in text
    assert "Environment=AWS_SHARED_CREDENTIALS_FILE=%d/AWS_SHARED_CREDENTIALS_FILE\n" in text


def test_a_missed_run_is_made_up_for_and_the_delay_is_each_machines_own() -> None:
    lines = timer(JOB, "provision-shop-0a.service").splitlines()
    for line in ("OnCalendar=*-*-* *:00/15:00", "Persistent=yes", "RandomizedDelaySec=90", "FixedRandomDelay=yes",
                 "Unit=provision-shop-0a.service", "WantedBy=timers.target"):  # fmt: skip
        assert line in lines
    assert "Random" not in timer(replace(JOB, delay=0), "x.service")


def test_what_a_timer_says_of_itself_is_read_back() -> None:
    words = ("drift", "50% off.yml", "-e", 'a="ü"\nExecStart=/bin/sh')
    assert described(timer(replace(JOB, words=words), "x.service")) == ("every 15 min", words)
    assert described("[Timer]\nOnCalendar=daily\n") is None


def test_words_stay_words_and_lines_stay_lines() -> None:
    assert quoted("site.yml") == "site.yml"
    assert quoted("a b%c$d\"e\\") == '"a b%%c$$d\\"e\\\\"'
    assert quoted("") == '""'
    text = service(replace(JOB, words=("drift", "x\nExecStart=/bin/evil")))
    assert [line for line in text.splitlines() if line.startswith("ExecStart=")] == [
        'ExecStart=/opt/bin/provision drift "x\\nExecStart=/bin/evil"']  # fmt: skip


def test_values_of_variables_are_quoted() -> None:
    assert environment({"B": "1", "A": 'x "y" $z'}) == 'A="x \\"y\\" \\$z"\nB="1"\n'
