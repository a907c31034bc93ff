"""Where the parts of an app lie on a host. Pure; the controller uses it too."""

from __future__ import annotations

import json
import os
import re
from typing import Any, Dict, NamedTuple, Optional

from provisioner.remote.sdk import Ctx

SCHEMA = 1
NODE_ROOT = "/opt/node"
JOURNALS = "/var/lib/provisioner/nextjs"
RELEASE_JOURNALS = "/var/lib/provisioner/apps"
LOCKS = "/var/lib/provisioner/locks"
RELEASE_FILE = "RELEASE.json"
MANIFEST_FILE = "MANIFEST.json"


UNITS = "/etc/systemd/system"

#: The new release, the one that runs, and the one before it where that is kept running.
SLOTS = ("a", "b", "c")
#: Not a slot: the one service of an app without a web server in front, which is restarted in place.
SINGLE = "single"


class Slot(NamedTuple):
    """What a release runs in: it owns its units, and with them its ports and its Node.js, its variables, its link."""

    env_file: str
    link: str
    credentials: str


class Layout(NamedTuple):
    """Paths of the app `name`.

    place: a directory that is used instead of /srv/<name>, where an app is only built. It holds releases and the build
    directory; Node.js is beside it, for all apps that are built there.
    """

    name: str
    place: "Optional[str]" = None

    @property
    def root(self) -> str:
        return self.place or "/srv/%s" % self.name

    @property
    def nodes(self) -> str:
        return os.path.dirname(self.place) + "/node" if self.place else NODE_ROOT

    def node_home(self, version: str) -> str:
        return "%s/%s" % (self.nodes, version)

    @property
    def releases(self) -> str:
        return self.root + "/releases"

    @property
    def slots(self) -> str:
        return self.root + "/slots"

    def slot(self, name: str) -> Slot:
        """`name`: one of SLOTS, or SINGLE. `current` follows the link only once the release is healthy."""
        if name == SINGLE:
            return Slot(self.env_file, self.slots + "/a", self.config + "/credentials")
        return Slot("%s/%s.env" % (self.config, name), "%s/%s" % (self.slots, name),
                    "%s/%s.credentials" % (self.config, name))  # fmt: skip

    def unit_of(self, slot: str, instance: int = 1) -> str:
        """shop@a.service, the second instance is shop@a2.service; the unit of SINGLE is shop.service."""
        if slot == SINGLE:
            return self.unit
        return "%s@%s%s.service" % (self.name, slot, instance if instance > 1 else "")

    def slot_of(self, unit: str) -> "Optional[str]":
        """The slot a unit belongs to; None for one that is no slot's of this app."""
        found = re.match(r"%s@([%s])\d*\.service$" % (re.escape(self.name), "".join(SLOTS)), unit)
        return found[1] if found else None

    @property
    def current(self) -> str:
        return self.root + "/current"

    @property
    def current_env(self) -> str:
        """Link to the variables of what is live."""
        return self.config + "/current.env"

    @property
    def current_credentials(self) -> str:
        """Link to the folder of its credentials, where it has any."""
        return self.config + "/current.credentials"

    @property
    def current_node(self) -> str:
        """Link to the Node.js of what is live."""
        return self.root + "/node"

    @property
    def static(self) -> str:
        """`_next/static` of this and earlier releases, for pages that are still open."""
        return self.root + "/static"

    @property
    def shared(self) -> str:
        return self.root + "/shared"

    @property
    def build(self) -> str:
        return self.root + "/build"

    @property
    def tree(self) -> str:
        """The project as it is built: sources, node_modules, .next with its cache."""
        return self.build + "/tree"

    @property
    def home(self) -> str:
        """HOME of install and build: the package manager's cache lives here."""
        return self.build + "/home"

    @property
    def tools(self) -> str:
        """Package managers other than npm."""
        return self.build + "/tools"

    @property
    def build_state(self) -> str:
        return self.build + "/state.json"

    @property
    def action_key(self) -> str:
        """What Server Actions are encrypted with, the same in all builds of the app."""
        return self.build + "/server-actions.key"

    @property
    def asset_records(self) -> str:
        """Which release has which of them, and until when it was in use."""
        return self.static + "/releases.json"

    @property
    def config(self) -> str:
        return "/etc/%s" % self.name

    @property
    def env_file(self) -> str:
        return self.config + "/env"

    @property
    def unit(self) -> str:
        return "%s.service" % self.name

    @property
    def unit_file(self) -> str:
        return unit_file(self.unit)

    @property
    def journal(self) -> str:
        """What release is being activated or is active; tells an interrupted activation from a finished one."""
        return "%s/%s.json" % (JOURNALS, self.name)

    @property
    def env_backup(self) -> str:
        """The env file before an activation, for going back; there only while one is under way."""
        return self.config + "/env.before"

    @property
    def credentials_backup(self) -> str:
        """The same of its credentials."""
        return self.config + "/credentials.before"

    @property
    def release_journal(self) -> str:
        """What runs in which slot, and how far a release has come."""
        return "%s/%s.json" % (RELEASE_JOURNALS, self.name)

    @property
    def private(self) -> str:
        """For root alone: what the releases were started with (`records`), and `overrides`."""
        return "%s/%s" % (RELEASE_JOURNALS, self.name)

    @property
    def records(self) -> str:
        return self.private + "/releases"

    @property
    def overrides(self) -> str:
        return self.private + "/overrides.json"

    @property
    def lock(self) -> str:
        return "%s/%s.lock" % (LOCKS, self.name)

    @property
    def site(self) -> str:
        return "/etc/nginx/conf.d/%s.conf" % self.name

    @property
    def caddy_site(self) -> str:
        return "/etc/caddy/conf.d/%s.caddy" % self.name

    @property
    def tls_files(self) -> str:
        return "/etc/ssl/apps/%s" % self.name

    def tls(self, kind: str) -> str:
        """`kind`: certificate, key, or root, which is that of the authority."""
        return "%s/%s.pem" % (self.tls_files, kind)

    @property
    def challenges(self) -> str:
        """What certbot answers the authority with, as the web server shows it."""
        return self.root + "/challenges"

    def certbot(self, kind: str) -> str:
        """Where certbot keeps what it got. `kind`: fullchain or privkey."""
        return "/etc/letsencrypt/live/%s/%s.pem" % (self.name, kind)

    @property
    def lanes(self) -> str:
        return self.root + "/lanes"

    @property
    def live(self) -> str:
        """Link to the lane that is open: the web server looks there with every request."""
        return self.root + "/live"

    @property
    def recovery(self) -> str:
        """The program that ends an interrupted release at boot, of the version that wrote the journal."""
        return "%s/%s.pyz" % (RELEASE_JOURNALS, self.name)

    @property
    def recovery_unit(self) -> str:
        return "%s-recover.service" % self.name

    def release(self, release: str) -> str:
        return "%s/%s" % (self.releases, release)

    @property
    def reservation(self) -> str:
        """Which build has the place."""
        return self.root + "/lock"

    def directories(self, user: "Optional[str]") -> "Dict[str, Dict[str, str]]":
        """Every directory the app needs -> {mode, owner, group}. Others may pass through (the web server reads
        lanes, old assets and exported pages), but list nothing, and a release with a server is closed to them."""
        if user is None:
            building = (self.root, self.releases, self.build, self.tree, self.home, self.tools, self.nodes)
            return {path: {"mode": "0700"} for path in building}
        mine = {"owner": user, "group": user}
        if self.place:
            closed = {"mode": "0750", "owner": "root", "group": user}
            return {
                self.root: closed,
                self.releases: {"mode": "0700", "owner": "root", "group": "root"},
                self.build: closed,
                self.tree: {"mode": "0750", **mine},
                self.home: {"mode": "0700", **mine},
                self.tools: {"mode": "0750", **mine},
                self.nodes: {"mode": "0755", "owner": "root", "group": "root"},
            }
        return {
            self.root: {"mode": "0751", "owner": "root", "group": user},
            self.releases: {"mode": "0751", "owner": "root", "group": user},
            self.slots: {"mode": "0750", "owner": "root", "group": user},
            self.static: {"mode": "0755", "owner": "root", "group": "root"},
            self.lanes: {"mode": "0755", "owner": "root", "group": "root"},
            self.shared: {"mode": "0755", "owner": "root", "group": user},
            self.shared + "/cache": {"mode": "0750", **mine},
            self.build: {"mode": "0750", "owner": "root", "group": user},
            self.tree: {"mode": "0750", **mine},
            self.home: {"mode": "0700", **mine},
            self.tools: {"mode": "0750", **mine},
            self.config: {"mode": "0750", "owner": "root", "group": user},
        }


def unit_file(unit: str) -> str:
    return "%s/%s" % (UNITS, unit)


def read_state(ctx: Ctx, path: str) -> "Dict[str, Any]":
    """A state file of ours; empty when there is none. One of a newer, incompatible tool is refused."""
    text = ctx.read_text(path)
    if text is None:
        return {}
    data = _mapping(text)
    if data is None:
        return {}  # cut off by a crash of the host: what it told is done again
    if int(data.get("min_reader", 0)) > SCHEMA:
        raise ctx.fail(
            "%s was written by a newer version of this tool (needs reader %s, this is %d)"
            % (path, data["min_reader"], SCHEMA)
        )
    return data


def read_build(ctx: Ctx, layout: Layout) -> "Dict[str, Any]":
    """The state of the build directory: what was put there, as far as it is still there."""
    state = read_state(ctx, layout.build_state)
    if ctx.stat(layout.tree + "/package.json") is None:
        state.update(source=None, built=None, files={})
    if ctx.stat(layout.tree + "/node_modules") is None:
        state.update(install=None, built=None)
    return state


def write_state(ctx: Ctx, path: str, data: "Dict[str, Any]", mode: str = "0600") -> None:
    full = {"schema": SCHEMA, "min_reader": SCHEMA, **data}
    ctx.write(path, (json.dumps(full, indent=1, sort_keys=True) + "\n").encode(), mode=mode)


def ensure_directory(ctx: Ctx, path: str, mode: str, owner: str = "root", group: str = "root") -> None:
    """Make a directory that may be there already; what is there stays as it is."""
    if ctx.stat(path) is None:
        ctx.mkdir(path, mode=mode, owner=owner, group=group, parents=True)


def _mapping(text: str) -> "Optional[Dict[str, Any]]":
    try:
        data = json.loads(text)
    except ValueError:
        return None
    return data if isinstance(data, dict) else None
