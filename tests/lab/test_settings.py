from __future__ import annotations

from pathlib import Path

from provisioner.lab.settings import environment, npm_settings, write_files


def test_npm_settings_are_taken_over_but_no_credentials() -> None:
    user = "//npm.example/:_authToken=secret\nregistry=https://npm.example/\n_password=x\ncafile=/somewhere/ca.pem\n"
    found = npm_settings(["registry = https://old.example/\nfund=false\n", user])
    assert found == {"registry": "https://npm.example/", "cafile": "/etc/ssl/certs/ca-certificates.crt"}


def test_a_setting_that_needs_a_variable_of_this_machine_is_left_behind() -> None:
    assert npm_settings(["proxy=${MY_PROXY}\n"]) == {}


def test_a_machine_without_settings_gives_its_hosts_none() -> None:
    assert environment({"PATH": "/bin", "HOME": "/root"}, {}) == {}


def test_bundles_of_authorities_become_the_hosts_own_bundle() -> None:
    found = environment({"NODE_EXTRA_CA_CERTS": "/opt/ca.pem", "https_proxy": "http://proxy:3128"}, {"cafile": "/ca"})
    assert found == {
        "NODE_EXTRA_CA_CERTS": "/etc/ssl/certs/ca-certificates.crt",
        "https_proxy": "http://proxy:3128",
        "NPM_CONFIG_CAFILE": "/ca",
    }


def test_a_value_that_cannot_be_quoted_everywhere_is_left_out() -> None:
    assert environment({"no_proxy": 'a"\nb'}, {}) == {}


def test_files_replace_links_instead_of_following_them(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_text("mine")
    root = tmp_path / "root"
    (root / "etc").mkdir(parents=True)
    (root / "etc/resolv.conf").symlink_to(outside)
    write_files(root, {"etc/resolv.conf": "new", "etc/sudoers.d/x": "y"})
    assert outside.read_text() == "mine"
    assert (root / "etc/resolv.conf").read_text() == "new"
    assert (root / "etc/sudoers.d/x").stat().st_mode & 0o777 == 0o440
