"""Settings from files and the environment: our own, and those of Ansible that playbooks rely on.

Highest first: the command line, `PROVISION_*`, `provision.toml`, `ANSIBLE_*`, `ansible.cfg`. `KEYS` is the table
of all of them; what is not in it is Ansible's own affair and is passed over in silence.
"""

from __future__ import annotations

import configparser
import os
import stat
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Final

from provisioner.diag import Diagnostic, InputError, Span, UsageError, near

_TRUE: Final = frozenset({"yes", "on", "true", "y", "t", "1"})
_FALSE: Final = frozenset({"no", "off", "false", "n", "f", "0", ""})
FACTS_LIVE: Final = 86400


@dataclass(frozen=True, slots=True)
class Given:
    """A setting that is set. source: the name in the environment, or the file with the name in it."""

    name: str
    value: Any
    source: str


@dataclass(frozen=True, slots=True)
class Settings:
    """options: defaults for options of the command line, by parameter. The rest has no option."""

    options: Mapping[str, Any] = field(default_factory=dict)
    roles_path: tuple[str, ...] = ()
    collections_path: tuple[str, ...] = ("~/.ansible/collections", "/usr/share/ansible/collections")
    """Directories with `ansible_collections/`, besides `collections/` beside the playbook; for roles of collections."""
    library: tuple[str, ...] = ()
    """Directories with modules of the user's own, besides `library/` beside playbooks and in roles."""
    filter_plugins: tuple[str, ...] = ()
    """The same of filters, besides `filter_plugins/`."""
    test_plugins: tuple[str, ...] = ()
    """The same of tests, besides `test_plugins/`."""
    lookup_plugins: tuple[str, ...] = ()
    """The same of lookups, besides `lookup_plugins/`."""
    strategy: str | None = None
    gathering: str = "implicit"
    """`implicit`, `explicit` or `smart`."""
    fact_caching: str = "memory"
    fact_caching_connection: str | None = None
    """The directory of `fact_caching = jsonfile`."""
    fact_caching_timeout: int = FACTS_LIVE
    """Seconds; 0: for ever."""
    fact_caching_prefix: str = ""
    poll_interval: int | None = None
    error_on_missing_handler: bool = True
    """Whether a run ends when a task notifies what no handler is called."""
    duplicate_dict_key: str = "warn"
    """What a key that is twice in a mapping of a playbook is: `warn`, `error` or `ignore`."""
    hash_behaviour: str = "replace"
    """What becomes of dictionaries that several levels of precedence have: `replace` or `merge`."""
    private_role_vars: bool | None = None
    """Whether variables of roles are for their own tasks only; None: of those that `include_role` brings."""
    loose_conditions: bool = False
    """Conditions need not be boolean; each that is not is a warning."""
    ansible_managed: str = ""
    """What that variable says in templates; `{file}`, `{uid}`, `{host}` and `%Y` and so on stand for the template's."""
    show_custom_stats: bool = False
    """What `set_stats` keeps is told after the recap."""
    smtp_server: str = ""
    """`HOST` or `HOST:PORT`; empty for this machine's sendmail. These four are for `provision drift --email`."""
    smtp_security: str = ""
    """`starttls`, `tls`, `none`, or empty: by the server's place and port."""
    smtp_user: str = ""
    mail_from: str = ""
    given: tuple[Given, ...] = ()
    """Everything that is set somewhere, in the order of the table in docs/settings.md."""
    warnings: tuple[Diagnostic, ...] = ()

    @property
    def merges_variables(self) -> bool:
        return self.hash_behaviour == "merge"


def by_ansibles_names(settings: Settings) -> Mapping[str, Any]:
    """What the lookup `config` tells, by the names that ansible-core has for these settings."""
    return {
        "ALLOW_BROKEN_CONDITIONALS": settings.loose_conditions,
        "CACHE_PLUGIN": settings.fact_caching,
        "CACHE_PLUGIN_CONNECTION": settings.fact_caching_connection,
        "CACHE_PLUGIN_PREFIX": settings.fact_caching_prefix,
        "CACHE_PLUGIN_TIMEOUT": settings.fact_caching_timeout,
        "COLLECTIONS_PATHS": list(settings.collections_path),
        "DEFAULT_FILTER_PLUGIN_PATH": list(settings.filter_plugins),
        "DEFAULT_GATHERING": settings.gathering,
        "DEFAULT_HASH_BEHAVIOUR": settings.hash_behaviour,
        "DEFAULT_LOOKUP_PLUGIN_PATH": list(settings.lookup_plugins),
        "DEFAULT_MANAGED_STR": settings.ansible_managed or "Ansible managed",
        "DEFAULT_MODULE_PATH": list(settings.library),
        "DEFAULT_PRIVATE_ROLE_VARS": bool(settings.private_role_vars),
        "DEFAULT_ROLES_PATH": list(settings.roles_path),
        "DEFAULT_STRATEGY": settings.strategy or "linear",
        "DEFAULT_TEST_PLUGIN_PATH": list(settings.test_plugins),
        "DUPLICATE_YAML_DICT_KEY": settings.duplicate_dict_key,
        "ERROR_ON_MISSING_HANDLER": settings.error_on_missing_handler,
        "SHOW_CUSTOM_STATS": settings.show_custom_stats,
    }


@dataclass(frozen=True, slots=True)
class Key:
    """One setting. option: the parameter of the command line for which it is the default, if there is one.

    `PROVISION_<NAME>` and `name` in provision.toml are made of `name`; `ini` are places in ansible.cfg.
    """

    name: str
    kind: Callable[[_Given], Any]
    environment: tuple[str, ...]
    ini: tuple[tuple[str, str], ...]
    option: str = ""


@dataclass(frozen=True, slots=True)
class _Given:
    """A value as it was written. base: where relative paths begin. source: for messages."""

    value: Any
    base: Path
    source: str

    def wrong(self, wanted: str) -> UsageError:
        return UsageError(f"{self.source} must be {wanted}, not {self.value!r}")


def _text(given: _Given) -> str:
    return str(given.value)


def _boolean(given: _Given) -> bool:
    word = str(given.value).strip().lower()
    if word not in _TRUE | _FALSE:
        raise given.wrong("true or false")
    return word in _TRUE


def _connection(given: _Given) -> str:
    name = str(given.value)
    if name not in ("smart", "ssh", "paramiko", "paramiko_ssh", "local"):
        raise given.wrong("ssh or local")
    return "local" if name == "local" else "ssh"


def _integer(given: _Given) -> int:
    try:
        return int(str(given.value).strip())
    except ValueError:
        raise given.wrong("a number") from None


def _at_least_one(given: _Given) -> int:
    number = _integer(given)
    if number < 1:
        raise given.wrong("1 or more")
    return number


def _smtp_security(given: _Given) -> str:
    if given.value not in ("starttls", "tls", "none"):
        raise given.wrong("starttls, tls or none")
    return str(given.value)


def _gathering(given: _Given) -> str:
    if given.value not in ("implicit", "explicit", "smart"):
        raise given.wrong("implicit, explicit or smart")
    return str(given.value)


def _duplicates(given: _Given) -> str:
    if given.value not in ("warn", "error", "ignore"):
        raise given.wrong("warn, error or ignore")
    return str(given.value)


def _hash_behaviour(given: _Given) -> str:
    if given.value not in ("replace", "merge"):
        raise given.wrong("replace or merge")
    return str(given.value)


def _parts(given: _Given, divider: str) -> list[str]:
    if isinstance(given.value, list):
        return [str(part) for part in given.value]
    return [part for part in (word.strip() for word in str(given.value).split(divider)) if part]


def _words(given: _Given) -> tuple[str, ...]:
    return tuple(_parts(given, ","))


def _at(given: _Given, path: str) -> str:
    expanded = os.path.expandvars(os.path.expanduser(path.replace("{{CWD}}", os.getcwd())))
    return os.path.relpath(given.base / expanded) if not os.path.isabs(expanded) else expanded


def _path(given: _Given) -> str:
    return _at(given, str(given.value))


def _paths(given: _Given) -> tuple[str, ...]:
    return tuple(_at(given, part) for part in _parts(given, ":"))


def _inventories(given: _Given) -> tuple[str, ...]:
    """Files and directories; a list of hosts (it ends with a comma, or nothing of that name is there) is kept whole."""
    text = str(given.value)
    if not isinstance(given.value, list) and text.rstrip().endswith(","):
        return (text,)
    return tuple(_at(given, part) for part in _parts(given, ","))


def _password_file(given: _Given) -> tuple[str, ...]:
    return (_path(given),)


def _accepts_new_host_keys(given: _Given) -> bool:
    """`host_key_checking = false` asks for no check at all, which is refused: unknown keys are stored instead."""
    return not _boolean(given)


def _rows() -> Iterator[Key]:
    def row(name: str, kind: Callable[[_Given], Any], *ini: str, option: str = "",
            environment: tuple[str, ...] = ()) -> Key:
        places = tuple((section or "defaults", key) for section, _, key in (one.rpartition(".") for one in ini))
        return Key(name, kind, environment or (f"ANSIBLE_{name.upper()}",), places, option)

    yield row("inventory", _inventories, "inventory", option="inventory")
    yield row("forks", _at_least_one, "forks", option="forks")
    yield row("remote_user", _text, "remote_user", option="user")
    yield row("private_key_file", _path, "private_key_file", option="private_key")
    yield row("timeout", _integer, "timeout", option="timeout")
    yield row("transport", _connection, "transport", option="connection")
    yield row("host_key_checking", _accepts_new_host_keys, "host_key_checking", option="accept_new_host_keys",
              environment=("ANSIBLE_HOST_KEY_CHECKING", "ANSIBLE_SSH_HOST_KEY_CHECKING"))
    yield row("become", _boolean, "privilege_escalation.become", option="become")
    yield row("become_user", _text, "privilege_escalation.become_user", option="become_user")
    yield row("become_method", _text, "privilege_escalation.become_method", option="become_method")
    yield row("become_ask_pass", _boolean, "privilege_escalation.become_ask_pass", option="ask_become_pass")
    yield row("ask_pass", _boolean, "ask_pass", option="ask_pass")
    yield row("ask_vault_pass", _boolean, "ask_vault_pass", option="ask_vault_password")
    # The environment's own names of these two are read where the passwords are.
    yield row("vault_password_file", _password_file, "vault_password_file", option="vault_password_file",
              environment=("",))
    yield row("vault_identity_list", _words, "vault_identity_list", option="vault_id", environment=("",))
    yield row("force_handlers", _boolean, "force_handlers", option="force_handlers")
    yield row("diff_always", _boolean, "diff.always", option="diff")
    yield row("verbosity", _integer, "verbosity", option="verbose")
    yield row("debug", _boolean, "debug")
    yield row("run_tags", _words, "tags.run", option="tags")
    yield row("skip_tags", _words, "tags.skip", option="skip_tags")
    yield row("roles_path", _paths, "roles_path")
    yield row("collections_path", _paths, "collections_path", "collections_paths")
    yield row("library", _paths, "library")
    yield row("filter_plugins", _paths, "filter_plugins")
    yield row("test_plugins", _paths, "test_plugins")
    yield row("lookup_plugins", _paths, "lookup_plugins")
    yield row("strategy", _text, "strategy")
    yield row("gathering", _gathering, "gathering")
    yield row("fact_caching", _text, "fact_caching", environment=("ANSIBLE_CACHE_PLUGIN",))
    yield row("fact_caching_connection", _path, "fact_caching_connection",
              environment=("ANSIBLE_CACHE_PLUGIN_CONNECTION",))
    yield row("fact_caching_timeout", _integer, "fact_caching_timeout", environment=("ANSIBLE_CACHE_PLUGIN_TIMEOUT",))
    yield row("fact_caching_prefix", _text, "fact_caching_prefix", environment=("ANSIBLE_CACHE_PLUGIN_PREFIX",))
    yield row("poll_interval", _integer, "poll_interval")
    yield row("error_on_missing_handler", _boolean, "error_on_missing_handler")
    yield row("duplicate_dict_key", _duplicates, "duplicate_dict_key",
              environment=("ANSIBLE_DUPLICATE_YAML_DICT_KEY",))
    yield row("hash_behaviour", _hash_behaviour, "hash_behaviour")
    yield row("private_role_vars", _boolean, "private_role_vars")
    yield row("loose_conditions", _boolean, "allow_broken_conditionals",
              environment=("ANSIBLE_ALLOW_BROKEN_CONDITIONALS",))
    yield row("ansible_managed", _text, "ansible_managed", environment=("",))
    yield row("show_custom_stats", _boolean, "show_custom_stats")
    # Of our own, without a name of Ansible's.
    yield row("history", _boolean, option="history", environment=("",))
    yield row("smtp_server", _text, environment=("",))
    yield row("smtp_security", _smtp_security, environment=("",))
    yield row("smtp_user", _text, environment=("",))
    yield row("mail_from", _text, environment=("",))


KEYS: Final[tuple[Key, ...]] = tuple(_rows())
_OF_PROVISION: Final = {key.name: key for key in KEYS}


def read_settings(environment: Mapping[str, str], directory: Path, home: Path) -> Settings:
    """What files and environment say, for a run in `directory`. Raises `UsageError` and `InputError`."""
    warnings: list[Diagnostic] = []
    ini, ini_file = _ansible_cfg(environment, directory, home, warnings)
    toml, toml_file = _provision_toml(environment, directory, home, warnings)
    options: dict[str, Any] = {}
    own: dict[str, Any] = {}
    told: list[Given] = []
    named = {known.name for known in fields(Settings)}
    for key in KEYS:
        given = _given(key, environment, directory, (toml, toml_file), (ini, ini_file))
        if given is None:
            continue
        value = key.kind(given)
        told.append(Given(key.name, value, given.source))
        if key.option:
            options[key.option] = value
        if key.name in named:
            own[key.name] = value
        if key.name == "debug" and value:
            options["verbose"] = max(options.get("verbose", 0), 4)
        if key.name == "host_key_checking" and value:
            warnings.append(Diagnostic(
                "Host keys are checked all the same", f"{given.source} is false: keys of unknown hosts are stored, "
                "a changed one is refused", severity="warning"))
    if own.get("fact_caching", "memory") not in ("memory", "jsonfile"):
        warnings.append(Diagnostic("Facts are not cached", f"`fact_caching: {own['fact_caching']}` is not there",
                                   hint="one of: memory, jsonfile", severity="warning"))
    return Settings(options, **own, given=tuple(told), warnings=tuple(warnings))


def _given(key: Key, environment: Mapping[str, str], directory: Path, toml: tuple[Mapping[str, Any], Path],
           ini: tuple[Mapping[tuple[str, str], str], Path]) -> _Given | None:
    ours = f"PROVISION_{key.name.upper()}"
    if ours in environment:
        return _Given(environment[ours], directory, ours)
    if key.name in toml[0]:
        return _Given(toml[0][key.name], toml[1].parent, f"{toml[1]}: `{key.name}`")
    for name in key.environment:
        if name in environment:
            return _Given(environment[name], directory, name)
    for place in key.ini:
        if place in ini[0]:
            return _Given(ini[0][place], ini[1].parent, f"{ini[1]}: `{place[1]}`")
    return None


def _ansible_cfg(environment: Mapping[str, str], directory: Path, home: Path,
                 warnings: list[Diagnostic]) -> tuple[dict[tuple[str, str], str], Path]:
    places = [directory / "ansible.cfg", home / ".ansible.cfg", Path("/etc/ansible/ansible.cfg")]
    path = _first(environment.get("ANSIBLE_CONFIG"), "ansible.cfg", places, directory, warnings)
    if path is None:
        return {}, directory / "ansible.cfg"
    parser = configparser.ConfigParser(inline_comment_prefixes=(";",), interpolation=None, strict=False)
    try:
        parser.read_string(path.read_text(encoding="utf-8"), str(path))
    except configparser.Error as error:
        raise InputError([Diagnostic("Settings not readable", error.message.splitlines()[0],
                                     Span(str(path), getattr(error, "lineno", 1) or 1))]) from None
    return {(section, key): value for section in parser.sections() for key, value in parser.items(section)}, path


def _provision_toml(environment: Mapping[str, str], directory: Path, home: Path,
                    warnings: list[Diagnostic]) -> tuple[Mapping[str, Any], Path]:
    places = [directory / "provision.toml", home / ".config" / "provisioner" / "provision.toml"]
    path = _first(environment.get("PROVISION_CONFIG"), "provision.toml", places, directory, warnings)
    if path is None:
        return {}, directory / "provision.toml"
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise InputError([Diagnostic("Settings not readable", str(error), Span(str(path), 1))]) from None
    wrong = [name for name in found if name not in _OF_PROVISION]
    if wrong:
        raise InputError([Diagnostic("Unknown setting", f"`{name}`", Span(str(path), 1),
                                     near(name, _OF_PROVISION) or f"one of: {', '.join(_OF_PROVISION)}")
                          for name in wrong])
    return found, path


def _first(named: str | None, name: str, places: list[Path], directory: Path,
           warnings: list[Diagnostic]) -> Path | None:
    """The file that counts: the one the environment names (a file or its directory), else the first that is there."""
    if named:
        path = Path(os.path.expanduser(named))
        path = path / name if path.is_dir() else path
        return path if path.is_file() else None
    for path in places:
        if not path.is_file():
            continue
        if path.parent == directory and directory.stat().st_mode & stat.S_IWOTH:
            warnings.append(Diagnostic(
                "Settings ignored", f"everybody may write to {directory}, so {name} in it is not read",
                severity="warning", hint="name the file by an environment variable if you trust it: "
                                         f"{'ANSIBLE' if name.startswith('ansible') else 'PROVISION'}_CONFIG"))
            continue
        return path
    return None
