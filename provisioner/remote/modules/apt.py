"""Packages of Debian and Ubuntu."""

from __future__ import annotations

from provisioner.remote import aptwork
from provisioner.remote.sdk import Ctx, Result
from provisioner.remote.spec import Arg, Arguments, Spec

SPEC = Spec(
    name="apt",
    summary="Install, upgrade or remove Debian packages",
    check="predict",
    identity=("name",),
    args={
        "name": Arg(
            type="list",
            elements="str",
            aliases=("package", "pkg"),
            doc="Packages: `curl`, `curl=7.88*`, `curl>=7.80`, `libc6:i386`, `php8.*`",
        ),
        "state": Arg(
            default="present",
            choices=("present", "latest", "absent", "fixed", "build-dep"),
            doc="`latest` upgrades too; `fixed` repairs broken dependencies; `build-dep` installs what building the "
            "packages from source needs (there have to be `deb-src` sources)",
        ),
        "update_cache": Arg(
            type="bool",
            default=False,
            aliases=("update-cache",),
            doc="Refresh the package lists first. Left out when all packages named are there already",
        ),
        "cache_valid_time": Arg(
            type="int",
            default=0,
            doc="Refresh the lists only when they are older than so many seconds, or older than a source",
        ),
        "update_cache_retries": Arg(type="int", default=5, doc="How often refreshing is tried"),
        "update_cache_retry_max_delay": Arg(type="int", default=12, doc="Longest pause between tries, in seconds"),
        "upgrade": Arg(
            type="raw",
            default="no",
            choices=("no", "yes", "safe", "full", "dist", True, False),
            doc="Upgrade everything: `yes`/`safe` removes nothing, `dist`/`full` may",
        ),
        "purge": Arg(type="bool", default=False, doc="Remove configuration files too"),
        "autoremove": Arg(type="bool", default=False, doc="Remove packages that nothing needs any more"),
        "autoclean": Arg(type="bool", default=False, doc="Remove downloads of packages that are no longer offered"),
        "clean": Arg(type="bool", default=False, doc="Remove all downloaded packages"),
        "install_recommends": Arg(
            type="bool", aliases=("install-recommends",), doc="Install what the packages recommend"
        ),
        "default_release": Arg(aliases=("default-release",), doc="The release to prefer, like bookworm-backports"),
        "deb": Arg(type="path", doc="A .deb file on the host"),
        "only_upgrade": Arg(type="bool", default=False, doc="Only upgrade what is installed"),
        "allow_downgrade": Arg(
            type="bool",
            default=False,
            doc="Go back to an older version if that is asked for",
            aliases=("allow-downgrade", "allow_downgrades", "allow-downgrades"),
        ),
        "allow_change_held_packages": Arg(type="bool", default=False, doc="Change packages on hold too"),
        "allow_unauthenticated": Arg(
            type="bool",
            default=False,
            aliases=("allow-unauthenticated",),
            doc="Install packages whose signature can't be checked",
        ),
        "fail_on_autoremove": Arg(type="bool", default=False, doc="Fail when a package would have to go"),
        "force": Arg(
            type="bool", default=False, doc="All of: downgrade, held, unauthenticated, essential ones removed"
        ),
        "force_apt_get": Arg(type="bool", default=False, doc="Accepted for compatibility: it is always apt-get"),
        "auto_install_module_deps": Arg(type="bool", default=True, doc="Accepted for compatibility: nothing is needed"),
        "dpkg_options": Arg(default="force-confdef,force-confold", doc="Options of dpkg, separated by commas"),
        "lock_timeout": Arg(type="int", default=60, doc="How long to wait for another package manager, in seconds"),
        "policy_rc_d": Arg(type="int", doc="Answer of policy-rc.d meanwhile; 101 keeps services from being started"),
    },
    mutually_exclusive=(("name", "deb"),),
    examples="""
- name: What the site needs
  apt:
    name: [nginx, curl]
    update_cache: true
    cache_valid_time: 3600
- name: A certain version
  apt:
    name: nginx=1.22.*
- name: Without Apache
  apt:
    name: apache2
    state: absent
    purge: true
    autoremove: true
- name: Upgrade everything
  apt:
    upgrade: dist
    update_cache: true
""",
    returns={
        "cache_updated": "whether the package lists were refreshed",
        "cache_update_time": "when they were, in seconds since 1970",
        "packages": "everything that comes, goes or changes, dependencies too, with its new version or `removed`",
        "stdout": "what apt-get said",
        "stderr": "its warnings",
    },
)


def run(ctx: Ctx, a: Arguments) -> Result:
    if (
        not (a.name or a.deb or a.update_cache or a.cache_valid_time or a.autoremove or a.autoclean or a.clean)
        and a.state != "fixed"
        and str(a.upgrade).lower() in ("no", "false")
        and a.name is None
    ):
        raise ctx.fail("one of `name`, `deb`, `upgrade`, `update_cache`, `autoremove`, `autoclean`, `clean` is needed")
    return aptwork.run(ctx, a)
