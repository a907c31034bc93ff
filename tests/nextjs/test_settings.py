"""Settings of an app: what is taken, what is refused, and with which words."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.nextjs.settings import SPEC, Directory, Git, Health, read_settings
from provisioner.nextjs.settings.hooks import Hooks
from provisioner.nextjs.settings.https import Acme, Own
from provisioner.nextjs.settings.package_manager import PackageManager
from provisioner.remote.spec import ArgumentError
from provisioner.values import Secret

LEAST: dict[str, Any] = {"name": "shop", "source": "../shop"}


def problems(**args: Any) -> str:
    with pytest.raises(ArgumentError) as caught:
        read_settings({**LEAST, **args})
    return "\n".join(f"{problem.argument}: {problem.message} [{problem.hint}]" for problem in caught.value.problems)


def test_name_and_source_are_enough() -> None:
    settings = read_settings(LEAST)
    assert settings.source == Directory("../shop")
    assert (settings.user, settings.ports, settings.listen, settings.node, settings.proxy) == (
        "shop", (3000, 3001, 3002), "127.0.0.1", "22", "nginx")  # fmt: skip
    assert settings.manual_signal_handling == "auto"
    assert settings.health == Health("/", None, 60.0)


def test_values_become_what_they_mean() -> None:
    settings = read_settings({
        **LEAST, "source": {"git": {"repo": "r", "version": "v1"}}, "node": 22, "domain": "a.example.com",
        "port": "3001",
        "memory_max": "900M", "env": {"DEBUG": True, "N": 3}, "manual_signal_handling": "yes",
        "health": {"path": "/up", "status": 204},
    })  # fmt: skip
    assert settings.source == Git("r", "v1")
    assert (settings.node, settings.domains, settings.ports, settings.memory_max) == (
        "22",
        ("a.example.com",),
        (3001, 3002, 3003),
        900 << 20,
    )
    assert settings.env == {"DEBUG": "true", "N": "3"}
    assert settings.manual_signal_handling is True
    assert settings.health == Health("/up", 204, 60.0)


@pytest.mark.parametrize(("given", "meant"), [
    ("pnpm", PackageManager("pnpm")), ("pnpm@9.15.0", PackageManager("pnpm", "9.15.0")),
    ({"name": "yarn", "version": 4}, PackageManager("yarn", "4")), (None, None),
])  # fmt: skip
def test_a_package_manager_is_a_text_or_a_mapping(given: Any, meant: PackageManager | None) -> None:
    assert read_settings({**LEAST, "package_manager": given}).package_manager == meant


@pytest.mark.parametrize(("given", "meant"), [("./apps/web/", "apps/web"), (".", ""), ("", ""), (None, None)])
def test_the_apps_directory_has_one_name(given: str | None, meant: str | None) -> None:
    assert read_settings({**LEAST, "app": given}).app == meant


def test_a_secret_in_env_is_treated_as_one() -> None:
    settings = read_settings({**LEAST, "env": {"A": "1", "KEY": Secret("x")}, "secrets": {"B": "2"}})
    assert settings.env == {"A": "1"}
    assert settings.secrets == {"KEY": Secret("x"), "B": "2"}


def test_a_hook_is_one_command_or_several() -> None:
    hooks = read_settings({**LEAST, "hooks": {"before_switch": "a, b", "after_build": ["c", "d"], "timeout": 5}}).hooks
    assert hooks == Hooks(before_switch=("a, b",), after_build=("c", "d"), timeout=5.0)


def test_where_to_build_is_read_although_yaml_takes_on_for_true() -> None:
    assert read_settings({**LEAST, "build": {True: "controller"}}).build.on == "controller"
    assert read_settings({**LEAST, "build": {"on": "web1"}}).build.on == "web1"


def test_public_env_is_what_the_build_gets() -> None:
    settings = read_settings({**LEAST, "env": {"NEXT_PUBLIC_API": "u", "OTHER": "v"}})
    assert settings.public_env == {"NEXT_PUBLIC_API": "u"}


@pytest.mark.parametrize(("args", "words"), [
    ({"name": "My Shop"}, "can't name a service"),
    ({"name": "../../etc"}, "can't name a service"),
    ({"user": "root"}, "must not run as root"),
    ({"node": "lts"}, "neither a major version nor an exact one"),
    ({"node": 22.1}, "neither a major version nor an exact one"),
    ({"domain": "https://shop.example.com"}, "not a domain name"),
    ({"domain": "a.com; include /etc/passwd"}, "not a domain name"),
    ({"port": 80}, "between 1024 and 65533"),
    ({"port": 65531, "instances": 2}, "between 1024 and 65530"),
    ({"instances": 0}, "between 1 and 64"),
    ({"instances": 2, "proxy": "none"}, "need a web server"),
    ({"previous": "run", "proxy": "none"}, "needs a web server"),
    ({"hooks": {"before_switch": {"a": 1}}}, "must be a command or a list of commands"),
    ({"hooks": {"after_build": ["ok", " "]}}, "must be a command or a list of commands"),
    ({"hooks": {"on_error": "x"}}, "on_error"),
    ({"hooks": {"timeout": 0}}, "is not between 0 and 86400 seconds"),
    ({"build": {7: "x"}}, "no argument `7`"),
    ({"build": {False: "x"}}, "no argument `False`"),
    ({"drain": -1}, "between 0 and 600"),
    ({"rollout": []}, "numbers of hosts and shares"),
    ({"rollout": [0]}, "numbers of hosts and shares"),
    ({"rollout": ["half"]}, "numbers of hosts and shares"),
    ({"rollout": ["0%"]}, "numbers of hosts and shares"),
    ({"mode": "docker"}, "not there yet"),
    ({"mode": "server-less"}, "did you mean server?"),
    ({"app": "../other"}, "not a directory in the source"),
    ({"package_manager": "npx"}, "did you mean npm?"),
    ({"package_manager": "pnpm@latest"}, "`latest` is no version of pnpm"),
    ({"package_manager": {"version": "9"}}, "name"),
    ({"package_manager": ["pnpm"]}, "neither a name nor a mapping"),
    ({"listen": "eth0"}, "not an address"),
    ({"keep": 0}, "at least 1"),
    ({"https": "on"}, "neither off nor a mapping"),
    ({"https": {}}, "certificate"),
    ({"https": {"certificate": "a.pem"}}, "key"),
    ({"https": {"certificate": "a.pem", "key": 3}}, "neither a file nor a vaulted text"),
    ({"https": {"certificate": "a.pem", "key": "a.key", "acme": {"email": "o@a.com"}}}, "acme"),
    ({"https": {"certificate": "a.pem", "key": "a.key"}, "proxy": "none"}, "needs a web server in front"),
    ({"https": {"acme": {}}, "domain": "a.com"}, "email"),
    ({"https": {"acme": {"email": "o@a.com"}}}, "set `domain`"),
    ({"https": {"acme": {"email": "o@a.com"}}, "domain": "*.a.com"}, "by a DNS challenge only"),
    ({"https": {"acme": {"email": "o a.com"}}, "domain": "a.com"}, "is no address"),
    ({"https": {"acme": {"email": "o@a.com", "ca": "http://ca"}}, "domain": "a.com"}, "begins with https://"),
    ({"https": {"acme": {"email": "o@a.com", "ca_root": "r.pem"}}, "domain": "a.com"}, "update-ca-certificates"),
    ({"headers": {"Content-Type": "text/html"}}, "no header for a web server to add"),
    ({"headers": {"X-A": 'say "no"'}}, "leave out quotes"),
    ({"headers": {"X-A": "a\nb"}}, "leave out quotes"),
    ({"headers": {"X-A": "$host"}}, "which nginx takes for a variable"),
    ({"headers": {"Strict-Transport-Security": "max-age=1"}}, "browsers ignore"),
    ({"health": {"path": "up"}}, "does not start with /"),
    ({"health": {"settle": 700}}, "not between 0 and 600"),
    ({"health": {"settle": 5}, "proxy": "none"}, "`settle` needs a web server in front"),
    ({"health": {"warm": ["/", "up"]}}, "the path to warm up `up` does not start with /"),
    ({"health": {"warm": ["/"]}, "proxy": "none"}, "`warm` needs a web server in front"),
    ({"health": {"paht": "/"}}, "did you mean `path`?"),
    ({"manual_signal_handling": "maybe"}, "none of auto, true, false"),
    ({"source": {"git": {"repos": "x"}}}, "did you mean `repo`?"),
    ({"source": ["a"]}, "must be a directory, `git:"),
    ({"proxy": "ngnix"}, "did you mean nginx?"),
    ({"domains": "x.com"}, "did you mean `domain`?"),
    ({"env": {"PORT": 1}}, "use `port`"),
    ({"env": {"NEXT_MANUAL_SIG_HANDLE": "true"}}, "use `manual_signal_handling`"),
    ({"env": {"A B": "x"}}, "can't name a variable"),
    ({"env": {"A\nB": "x"}}, "can't name a variable"),
    ({"env": {"A": ["x"]}}, "must be a text"),
    ({"env": {"A": "x\0y"}}, "NUL"),
    ({"credentials": {"a/b": "x"}}, "can't name a file for systemd"),
    ({"credentials": {"..": "x"}}, "can't name a file for systemd"),
    ({"credentials": {"a": ["x"]}}, "must be a text"),
    ({"secrets": {"NEXT_PUBLIC_KEY": "x"}}, "sent to every browser"),
    ({"env": {"A": "x"}, "secrets": {"A": "y"}}, "in `env` and in `secrets`"),
])  # fmt: skip
def test_what_is_wrong_is_said(args: dict[str, Any], words: str) -> None:
    assert words in problems(**args)


def test_all_mistakes_are_told_at_once() -> None:
    text = problems(port=80, node="x", keep=0)
    assert text.count("\n") == 2


def test_no_message_shows_a_secret() -> None:
    text = problems(secrets={"A": "cana\0ry"}, credentials={"a b": "canary"}, port=1)
    assert "canary" not in text
    assert "cana" not in text


def test_everything_has_words_for_the_documentation() -> None:
    assert all(arg.doc for arg in SPEC.args.values())


def test_https_is_off_or_an_own_certificate_or_acme() -> None:
    assert read_settings(LEAST).https is None
    assert read_settings({**LEAST, "https": False}).https is None
    own = read_settings({**LEAST, "https": {"certificate": "a.pem", "key": Secret("k")}}).https
    assert own == Own("a.pem", Secret("k"))
    acme = {"email": "o@a.com", "peers": "10.0.0.2"}
    found = read_settings({**LEAST, "domain": "a.com", "https": {"acme": acme}}).https
    assert found == Acme("o@a.com", peers=("10.0.0.2",))


def test_headers_are_the_basic_ones_with_the_users_and_without_those_taken_away() -> None:
    headers = {"x-frame-options": None, "Referrer-Policy": "no-referrer", "Permissions-Policy": "camera=()"}
    assert read_settings({**LEAST, "headers": headers}).headers == {
        "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Permissions-Policy": "camera=()",
    }  # fmt: skip
