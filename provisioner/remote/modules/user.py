"""Users of the host: the account, its groups, home, password and SSH key."""

from __future__ import annotations

import re
from typing import Any, Mapping, Optional

from provisioner.remote import accounts, homes, useradmin
from provisioner.remote.sdk import Ctx
from provisioner.remote.spec import Arg, Arguments, Spec

SPEC = Spec(
    name="user",
    summary="Make, change or remove a user",
    identity=("name",),
    args={
        "name": Arg(required=True, aliases=("user",), doc="The login name"),
        "state": Arg(default="present", choices=("present", "absent"), doc="Whether the user shall exist"),
        "uid": Arg(type="int", doc="The number; the system picks one when this is not given"),
        "non_unique": Arg(type="bool", default=False, doc="Allow a `uid` that another user has"),
        "group": Arg(doc="The primary group; it must exist"),
        "groups": Arg(
            type="list", elements="str", doc="Further groups. An empty list takes the user out of all of them"
        ),
        "append": Arg(type="bool", default=False, doc="Only add `groups`; without it other groups are left"),
        "comment": Arg(doc="The full name (GECOS)"),
        "home": Arg(type="path", doc="The home directory"),
        "create_home": Arg(
            type="bool", default=True, aliases=("createhome",), doc="Make the home directory if it is not there"
        ),
        "move_home": Arg(type="bool", default=False, doc="When `home` changes, move what is in the old one"),
        "skeleton": Arg(doc="The directory whose files a new home starts with; needs `create_home`"),
        "shell": Arg(type="path", doc="The login shell"),
        "system": Arg(
            type="bool", default=False, doc="Make it a system user (low number); only looked at when it is made"
        ),
        "password": Arg(
            secret=True, doc="The password's hash, as `password_hash('sha512')` makes it; never the password itself"
        ),
        "update_password": Arg(
            default="always", choices=("always", "on_create"), doc="Whether an existing user's password is changed"
        ),
        "password_lock": Arg(type="bool", doc="Lock the password, so that only keys can log in; false unlocks it"),
        "expires": Arg(type="float", doc="When the account ends, in seconds since 1970; a negative number means never"),
        "password_expire_max": Arg(type="int", doc="Days a password is good for"),
        "password_expire_min": Arg(type="int", doc="Days between changes of the password"),
        "password_expire_warn": Arg(type="int", doc="Days of warning before the password expires"),
        "password_expire_account_disable": Arg(type="int", doc="Days from an expired password to a disabled account"),
        "umask": Arg(doc="The umask a new home is made with"),
        "uid_min": Arg(type="int", doc="Lowest number the system may pick"),
        "uid_max": Arg(type="int", doc="Highest number the system may pick"),
        "remove": Arg(type="bool", default=False, doc="With `state: absent`: remove home and mail spool too"),
        "force": Arg(type="bool", default=False, doc="With `state: absent`: also while the user is logged in"),
        "local": Arg(type="bool", default=False, doc="Accepted for compatibility: users are always made locally"),
        "generate_ssh_key": Arg(type="bool", default=False, doc="Make an SSH key if there is none at `ssh_key_file`"),
        "ssh_key_type": Arg(default="rsa", choices=("rsa", "ed25519", "ecdsa", "dsa"), doc="Type of the new key"),
        "ssh_key_bits": Arg(type="int", doc="Size of the new key; ssh-keygen's default when not given"),
        "ssh_key_file": Arg(doc="Where the key is kept; relative to the home directory. By default .ssh/id_TYPE"),
        "ssh_key_comment": Arg(doc="Comment of the new key; by default user@host"),
        "ssh_key_passphrase": Arg(secret=True, doc="Passphrase of the new key"),
    },
    examples="""
- name: The deploy user, in the group that may restart the app
  user:
    name: deploy
    shell: /bin/bash
    groups: [app]
    append: true
- name: A system user without a home
  user:
    name: app
    system: true
    create_home: false
    shell: /usr/sbin/nologin
- name: Remove somebody with all their files
  user:
    name: mallory
    state: absent
    remove: true
""",
    returns={
        "uid": "number of the user",
        "group": "number of the primary group",
        "home": "home directory",
        "shell": "login shell",
        "comment": "full name",
        "groups": "the further groups asked for, joined by commas",
        "ssh_public_key": "the public key, when a key was asked for",
        "ssh_fingerprint": "its fingerprint",
    },
)

_CRYPT = re.compile(r"\$[\w-]+\$(?:[\w./,=-]+\$)*[A-Za-z0-9./]+")
"""`$id$parameters$salt$hash`, as crypt(5) has it."""
_DES = re.compile(r"[A-Za-z0-9./]{13}")


def current(ctx: Ctx, a: Arguments) -> "dict[str, Any]":
    _check_arguments(ctx, a)
    predicted = ctx.predicted("user", a.name) if ctx.check else None
    if predicted is not None:
        return {"state": "absent"} if predicted.get("kind") == "absent" else _from_prediction(a, predicted)
    found = accounts.find_user(ctx, a.name)
    if found is None:
        return {"state": "absent"}
    state: "dict[str, Any]" = {
        "state": "present",
        "uid": found.uid,
        "group": accounts.group_name(ctx, found.gid),
        "comment": found.comment,
        "home": found.home,
        "shell": found.shell,
    }
    if a.state == "absent":
        return state
    if a.groups is not None:
        state["groups"] = sorted(
            group.name for group in accounts.groups(ctx) if a.name in group.members and group.gid != found.gid
        )
    if a.create_home and found.home not in homes.NO_HOME:
        state["home_exists"] = ctx.stat(a.home or found.home, follow=True) is not None
    if _needs_shadow(a):
        state.update(_shadow_state(ctx, a))
    if a.generate_ssh_key:
        state["ssh_key"] = ctx.stat(homes.key_path(a.home or found.home, a)) is not None
    return state


def wanted(ctx: Ctx, a: Arguments, current: "Mapping[str, Any]") -> "dict[str, Any]":
    if a.state == "absent":
        return {"state": "absent"}
    goal = dict(current)
    is_new = current["state"] == "absent"
    goal["state"] = "present"
    for field in ("uid", "comment", "home", "shell"):
        value = getattr(a, field)
        if value is not None:
            goal[field] = ctx.expand(value) if field == "shell" and value.startswith("~") else value
    if a.group is not None:
        goal["group"] = _known_group(ctx, a.group)
    if a.groups is not None:
        goal["groups"] = _wanted_groups(ctx, a, current, goal.get("group"))
    if a.create_home and (is_new or "home_exists" in current):
        goal["home_exists"] = True
    if a.password is not None and (is_new or a.update_password == "always"):  # noqa: S105 - a choice, no password
        goal["password"] = "as given"  # noqa: S105 - says only that it is so
    if a.password_lock is not None:
        goal["password_locked"] = a.password_lock
    if a.expires is not None:
        goal["expires"] = useradmin.day(a.expires)
    for argument, (field, _) in useradmin.AGES.items():
        if getattr(a, argument) is not None:
            goal[field] = getattr(a, argument)
    if a.generate_ssh_key:
        goal["ssh_key"] = True
    return goal


def apply(ctx: Ctx, a: Arguments, current: "Mapping[str, Any]", wanted: "Mapping[str, Any]") -> None:
    if wanted["state"] == "absent":
        options = [*(["--remove"] if a.remove else []), *(["--force"] if a.force else [])]
        done = ctx.run(["userdel", *options, "--", a.name])
        if done.rc not in (0, 12):  # 12: the home could not be removed, usually because it was not there
            raise ctx.fail("userdel failed: %s" % done.stderr.strip(), rc=done.rc)
        if done.rc and ctx.stat(current.get("home", "")) is not None:
            ctx.warn("the home %s could not be removed: %s" % (current.get("home"), done.stderr.strip()))
        return
    if current["state"] == "absent":
        useradmin.add(ctx, a, wanted)
    else:
        useradmin.modify(ctx, a, current, wanted)
    if wanted.get("password") != current.get("password"):
        ctx.run(["chpasswd", "--encrypted"], input=("%s:%s\n" % (a.name, a.password)).encode(), check=True)
    useradmin.age(ctx, a, current, wanted)
    if a.password_lock is not None and (
        a.password is not None or wanted["password_locked"] != current.get("password_locked")
    ):
        useradmin.lock(ctx, a)
    user = accounts.find_user(ctx, a.name)
    assert user is not None
    if wanted.get("home_exists") and ctx.stat(user.home, follow=True) is None:
        homes.make_home(ctx, user, a.skeleton, a.umask)
    if a.generate_ssh_key and not current.get("ssh_key"):
        homes.make_key(ctx, user, a)


def report(ctx: Ctx, a: Arguments, current: "Mapping[str, Any]", wanted: "Mapping[str, Any]") -> "dict[str, Any]":
    result: "dict[str, Any]" = {"name": a.name, "state": wanted["state"]}
    if wanted["state"] == "absent":
        return {**result, "force": a.force, "remove": a.remove}
    result.update({"append": a.append, "move_home": a.move_home})
    if current["state"] == "absent":
        result.update({"create_home": a.create_home, "system": a.system})
    if a.groups is not None:
        result["groups"] = ",".join(a.groups)
    if a.password is not None:
        result["password"] = "NOT_LOGGING_PASSWORD"  # noqa: S105 - Ansible's placeholder
    user = accounts.find_user(ctx, a.name)
    if user is not None and not ctx.check:
        result.update(uid=user.uid, group=user.gid, comment=user.comment, home=user.home, shell=user.shell)
    else:
        result.update({key: wanted[key] for key in ("uid", "comment", "home", "shell") if wanted.get(key) is not None})
    if a.generate_ssh_key and user is not None:
        result.update(homes.describe_key(ctx, homes.key_path(a.home or user.home, a)))
    return result


def predictions(
    ctx: Ctx, a: Arguments, current: "Mapping[str, Any]", wanted: "Mapping[str, Any]"
) -> "list[tuple[str, str, Mapping[str, Any]]]":
    if wanted["state"] == "absent":
        gone: "list[tuple[str, str, Mapping[str, Any]]]" = [("user", a.name, {"kind": "absent"})]
        if current.get("group") == a.name:  # userdel takes the user's own group along
            gone.append(("group", a.name, {"kind": "absent"}))
        return [*gone, ("path", current["home"], {"kind": "absent"})] if a.remove and current.get("home") else gone
    home = wanted.get("home") or "/home/%s" % a.name
    own_group = a.group is None and current["state"] == "absent" and not accounts.is_there(ctx, "group", a.name)
    group = wanted.get("group") or (a.name if own_group else None)
    found: "list[tuple[str, str, Mapping[str, Any]]]" = [
        ("user", a.name, {**wanted, "kind": "present", "home": home, "group": group})
    ]
    if own_group:
        found.append(("group", a.name, {"kind": "present", "gid": None}))
    if wanted.get("home_exists") and not current.get("home_exists"):
        found.append(("path", home, {"kind": "directory", "owner": a.name, "group": group}))
    if a.generate_ssh_key and not current.get("ssh_key"):
        path = homes.key_path(home, a)
        for made, kind in ((path.rpartition("/")[0], "directory"), (path, "file"), (path + ".pub", "file")):
            found.append(("path", made, {"kind": kind, "owner": a.name, "group": group}))
    return found


def _check_arguments(ctx: Ctx, a: Arguments) -> None:
    accounts.check_name(ctx, "user", a.name)
    for field in ("comment", "home", "shell"):
        accounts.check_field(ctx, field, getattr(a, field))
    if a.home is not None and not a.home.startswith("/"):
        raise ctx.fail("`home` must be an absolute path, not %r" % a.home)
    if a.umask is not None and not (a.umask.isdigit() and set(a.umask) <= set("01234567")):
        raise ctx.fail("`umask` must be octal like 077, not %r" % a.umask)
    for name in [*(a.groups or []), *([a.group] if a.group is not None else [])]:
        if name:
            accounts.check_name(ctx, "group", name)
    if a.append and a.groups is None and a.state == "present":
        ctx.warn("'append' is set, but no 'groups' are specified. Use 'groups' to name those to add")
    if a.password is not None:
        accounts.check_field(ctx, "password", a.password)
        if a.state == "present" and not _looks_hashed(a.password):
            ctx.warn(
                "`password` doesn't look like a hash; it is stored as it is, so nobody could log in with it. "
                "Use the filter password_hash('sha512')"
            )


def _looks_hashed(password: str) -> bool:
    """
    >>> [_looks_hashed(text) for text in ("*", "!", "!$6$salt$hash./", "$y$j9T$salt$hash", "$6$salt$ha+h", "hunter2")]
    [True, True, True, True, False, False]
    """
    hashed = password.lstrip("!")
    return hashed.strip("*") == "" or (_CRYPT if hashed.startswith("$") else _DES).fullmatch(hashed) is not None


def _from_prediction(a: Arguments, predicted: "Mapping[str, Any]") -> "dict[str, Any]":
    """What an earlier task would have made, in the fields that this task looks at."""
    state = {
        "state": "present",
        "uid": predicted.get("uid"),
        "group": predicted.get("group"),
        "comment": predicted.get("comment", ""),
        "home": predicted.get("home"),
        "shell": predicted.get("shell"),
    }
    if a.groups is not None:
        state["groups"] = predicted.get("groups", [])
    for field in (
        "password",
        "password_locked",
        "expires",
        "home_exists",
        "ssh_key",
        *(field for field, _ in useradmin.AGES.values()),
    ):
        if field in predicted:
            state[field] = predicted[field]
    return state


def _needs_shadow(a: Arguments) -> bool:
    if (
        a.password_lock is not None
        or a.expires is not None
        or any(getattr(a, name) is not None for name in useradmin.AGES)
    ):
        return True
    return a.password is not None and a.update_password == "always"  # noqa: S105 - a choice, no password


def _shadow_state(ctx: Ctx, a: Arguments) -> "dict[str, Any]":
    shadow = accounts.find_shadow(ctx, a.name)
    if shadow is None:
        raise ctx.fail("%s has no line in /etc/shadow, so its password can't be looked at" % a.name)
    state: "dict[str, Any]" = {}
    # A bare "!" is a user who never had a password: as locked as can be, and nothing there to unlock.
    locked = shadow.password.startswith("!") and (a.password_lock is True or shadow.password.strip("!") != "")
    if a.password is not None and a.update_password == "always":  # noqa: S105 - a choice, no password
        same = shadow.password == a.password or (
            a.password_lock is True and shadow.password.lstrip("!") == a.password.lstrip("!")
        )
        state["password"] = "as given" if same else "another"
    if a.password_lock is not None:
        state["password_locked"] = locked
    if a.expires is not None:
        state["expires"] = shadow.expires if shadow.expires is not None and shadow.expires >= 0 else None
    for argument, (field, _) in useradmin.AGES.items():
        if getattr(a, argument) is not None:
            state[field] = getattr(shadow, field)
    return state


def _known_group(ctx: Ctx, name: str) -> str:
    """The group's name for a name or a number; fails when there is no such group."""
    predicted = ctx.predicted("group", name) if ctx.check else None
    if predicted is not None and predicted.get("kind") != "absent":
        return name
    found = accounts.find_group(ctx, name)
    if found is None:
        raise ctx.fail("Group %s does not exist; make it with the module `group` before this task" % name)
    return found.name


def _wanted_groups(ctx: Ctx, a: Arguments, current: "Mapping[str, Any]", primary: Optional[str]) -> "list[str]":
    asked = {_known_group(ctx, name) for name in a.groups if name}
    if a.append:
        return sorted((asked - {primary}) | set(current.get("groups", [])))
    return sorted(asked - {primary})
