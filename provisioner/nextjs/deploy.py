"""Carries a deploy out on all hosts of a play: they work side by side, one of them builds, all run that build.

Each host has a thread that goes through the steps of `plan` in order. They meet at three points: the version of
Node.js (the building host decides), the release (every host waits for the build), and the rollout (all have the
release before the first one starts it, and then they start it wave by wave).
"""

from __future__ import annotations

import contextlib
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from provisioner.actions.base import Driving
from provisioner.diag import HostUnreachable, ProvisionError
from provisioner.nextjs import drift, groundwork, hooks, jobs, plan, running, serving, static
from provisioner.nextjs.builder import Builder, Shipment, leading
from provisioner.nextjs.detect import App, detect
from provisioner.nextjs.findings import Finding, verdict
from provisioner.nextjs.front import Front, fronts
from provisioner.nextjs.hosts import Host, StepFailed
from provisioner.nextjs.modes import decided
from provisioner.nextjs.plan import Release
from provisioner.nextjs.preflight import of_build, of_source
from provisioner.nextjs.preflight_host import of_host, question
from provisioner.nextjs.registry import registry_here
from provisioner.nextjs.rollout import Rollout, not_gone_on
from provisioner.nextjs.settings import Settings
from provisioner.nextjs.signals import examine
from provisioner.nextjs.source import opened
from provisioner.nextjs.workspace import own_files
from provisioner.values import HostName

Results = dict[HostName, dict[str, Any]]


def deploy(calls: Sequence[Driving], all_settings: Sequence[Settings]) -> Results:
    """Deploy on all hosts; those that can't share a build are done group by group."""
    results: Results = {}
    for group in plan.one_build(all_settings):
        results.update(_deploy_group([Host(calls[position], all_settings[position]) for position in group]))
    return results


def _deploy_group(hosts: Sequence[Host]) -> Results:
    first, settings = hosts[0].call, hosts[0].settings
    cache = Path(first.cache_dir) / "nextjs"
    cache.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as stack:
        try:
            lead = leading(hosts)
            tree = stack.enter_context(opened(settings.source, first.search, settings.exclude, cache,
                                              settings.app or ""))
        except ProvisionError as error:
            return {host.name: _failed(host, error) for host in hosts}
        texts = tree.texts()
        app = tree.prebuilt.app_itself() if tree.prebuilt else detect(
            texts, app=settings.app, manager=settings.package_manager)  # fmt: skip
        own = own_files(texts, app.path)
        for host in hosts:
            host.settings = decided(host.settings, app)
        signals = examine(own, app, settings.manual_signal_handling)
        findings = (of_build if tree.prebuilt else of_source)(texts, app, hosts[0].settings, signals.warnings)
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=cache)))
        builder = Builder(lead, hosts, tree, app, scratch, cache)
        return Deploy(hosts, builder, app, own, findings, manual_signal_handling=signals.set_variable).run()


def _failed(host: Host, error: ProvisionError) -> dict[str, Any]:
    told = {"failed": True, "msg": error.message, **({"hint": error.hint} if error.hint else {})}
    if isinstance(error, StepFailed):
        told |= {key: error.result[key] for key in ("rc", "cmd", "rolled_back_to") if key in error.result}
    return {**host.summary(), **drift.differs(host), **told}


@dataclass(slots=True)
class Deploy:
    """One build and the hosts that get it. `builder.lead` builds, or is the one for which another machine does."""

    hosts: Sequence[Host]
    builder: Builder
    app: App
    texts: Mapping[str, str]
    findings: Sequence[Finding]
    manual_signal_handling: bool
    node: Future[str] = field(default_factory=Future)
    shipment: Future[Shipment] = field(default_factory=Future)
    prepared: Future[None] = field(default_factory=Future)
    rollout: Rollout = field(init=False)
    fronts: Mapping[str, Front] = field(init=False)

    def __post_init__(self) -> None:
        self.fronts = fronts(self.hosts)
        self.rollout = Rollout([host.name for host in self.hosts], self.hosts[0].settings.rollout)

    def run(self) -> Results:
        with ThreadPoolExecutor(len(self.hosts), thread_name_prefix="deploy") as pool:
            # All are looked at before the build, which needs to know who lacks what.
            looks = list(pool.map(self._guarded(self._look), self.hosts))
            results = {host.name: look for host, look in zip(self.hosts, looks, strict=True) if look}
            able = [host for host in self.hosts if host.name not in results]
            if self.builder.lead.name in results:  # the others are not even begun
                reason = self.node.exception()
                assert isinstance(reason, ProvisionError)
                return {host.name: results.get(host.name) or _failed(host, reason) for host in self.hosts}
            try:
                self.builder.look_elsewhere(able)
            except ProvisionError as error:  # the build is one for all
                return {host.name: results.get(host.name) or _failed(host, error) for host in self.hosts}
            results.update(zip((host.name for host in able), pool.map(self._guarded(self._through), able), strict=True))
        return {host.name: results[host.name] for host in self.hosts}

    def _guarded(self, work: Callable[[Host], dict[str, Any]]) -> Callable[[Host], dict[str, Any]]:
        """`work` with errors as results: one host's failure is its own, but nobody waits for the first one in vain."""

        def guarded(host: Host) -> dict[str, Any]:
            try:
                return work(host)
            except ProvisionError as error:
                self._give_up(host, error)
                lost = {"unreachable": True} if isinstance(error, HostUnreachable) else {}
                return {**_failed(host, error), **lost}
            except BaseException as error:
                self._give_up(host, error)
                raise

        return guarded

    def _give_up(self, host: Host, error: BaseException) -> None:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        self.rollout.failed(host.name, reason)
        for future, owner in ((self.node, self.builder.lead), (self.shipment, self.builder.lead),
                              (self.prepared, self.hosts[0])):  # fmt: skip
            if host is owner and not future.done():
                future.set_exception(ProvisionError(not_gone_on(host.name, reason)))

    # -- the way of one host ---------------------------------------------------------------------------------

    def _look(self, host: Host) -> dict[str, Any]:
        """Read everything in one round trip."""
        settings = host.settings
        result = host.call.call("nextjs_status", {
            "name": settings.name, "user": settings.user, "packages": list(plan.all_packages(settings)),
            "env": dict(settings.env), "secrets": dict(settings.secrets), "credentials": dict(settings.credentials),
            "health": plan.health_question(settings), "preflight": question(settings),
            "in_slots": settings.in_slots, "inspect": host.call.check,
            **{name: value for name, value in self.fronts[host.name].question().items() if value is not None},
            **({"site": static.question(settings) or {}} if settings.mode == "static" else {}),
        })  # fmt: skip
        if result.get("failed"):
            raise StepFailed("reading the state of the app", result)
        host.facts = result
        self._preflight(host)
        return {}

    def _preflight(self, host: Host) -> None:
        """All that speaks against the deploy, at once. What the source warns of is told once."""
        share = self.builder.share(host)
        found = of_host(host.settings, self.app, self.texts, host.facts, share, now=time.time())
        said = [*self.findings, *jobs.without_a_host(host.settings, len(self.hosts))]
        source = [finding for finding in said if finding.stops or host is self.builder.lead]
        if host.facts["overrides"]:
            host.call.warn(plan.set_by_hand(host.settings.name, host.facts))
        of_files = self.fronts[host.name].findings
        host.judge(plan.PREFLIGHT, verdict([*source, *of_files, *found], builds=share.arrives))

    def _through(self, host: Host) -> dict[str, Any]:
        groundwork.lay(host)
        node = self._node(host)
        release = self._release(host, node)
        front, taken = self.fronts[host.name], plan.taken_slots(host.facts)
        if host.settings.mode == "static":
            front.routes = serving.routes(host, release)
        front.prepare(taken)
        self.rollout.wait_for_turn(host.name)
        if host.settings.mode == "static":
            switched = self._serve(host, node, release)
        else:
            switched = self._run(host, node, release)
        self.rollout.done(host.name)
        if plan.needs_prune(host.settings, host.facts, release, activated=switched, now=time.time()):
            assets = host.settings.assets
            host.app(plan.PRUNE, "nextjs_prune", {
                "keep": host.settings.keep, "arriving": release.name, "keep_releases": assets.keep_releases,
                "keep_hours": assets.keep_hours})  # fmt: skip
        looked = {**drift.differs(host), **drift.pending(host, release)} if host.call.check else {}
        return {**host.summary(), "release": release.name, "build_id": release.build_id, "node": node,
                "url": self._url(host), **looked}  # fmt: skip

    def _serve(self, host: Host, node: str, release: Release) -> bool:
        """Files need no process: the web server, and the bucket, get them. Gives whether it is another release."""
        why = static.reasons_to_serve(host.settings, host.facts, release)
        self._prepare(host, node, release, needed=bool(why))
        switched = serving.serve(host, self.fronts[host.name], release)
        if switched:
            hooks.run_in_release(host, "after_switch", node, release)
        if host is self.hosts[0]:
            serving.fill_bucket(host, release, self.builder.scratch)
        return switched

    def _run(self, host: Host, node: str, release: Release) -> bool:
        front, taken = self.fronts[host.name], plan.taken_slots(host.facts)
        if host.facts["files"]:
            front.pin(host.facts["files"])
        # What runs stays reachable through the site that switches; before there is anything, a site would only fail.
        if taken:
            front.write(taken)
        units = running.units(host, node, release, sharp=bool(self.app.sharp),
                              manual_signal_handling=self.manual_signal_handling)  # fmt: skip
        why = running.reasons(host, release, units)
        self._prepare(host, node, release, needed=bool(why))
        slot = running.start(host, release, units, why)
        running.check_health(host, release, started=slot is not None)
        if slot or not taken:
            front.write(plan.taken_by(host.settings, host.facts, slot))
        if slot:
            hooks.run_in_release(host, "after_switch", node, release)
        running.set_up_jobs(host)
        return slot is not None

    def _url(self, host: Host) -> str:
        """Where the app answers on its host, whatever slot it runs in."""
        question = plan.health_question(host.settings)
        if host.settings.https is not None and host.settings.domains:
            return f"https://{question['host']}/"
        return "http://127.0.0.1/" if host.settings.in_slots else f"http://{question['address']}:{question['port']}/"

    def _node(self, host: Host) -> str:
        """The exact version; the building host's choice counts for all."""
        settings = host.settings
        first = host is self.builder.lead
        wanted = settings.node if first else self.node.result()
        if settings.mode == "static" and not first:
            return wanted
        version = plan.installed_node(wanted, host.facts)
        if version is None:
            installed = host.do(plan.NODE, "nextjs_node", {
                "version": wanted, "mirror": settings.node_mirror, "registry": settings.npm_registry,
                "fallback_registry": registry_here()})  # fmt: skip
            version = str(installed["version"])
        else:
            host.fine(plan.NODE, version=version)
        if first:
            self.node.set_result(version)
        return version

    def _release(self, host: Host, node: str) -> Release:
        if host is self.builder.lead:
            self.shipment.set_result(self.builder.prepare(node))
        shipment = self.shipment.result()
        if plan.find_release(shipment.release.fingerprint, host.facts):
            host.fine(plan.STAGE, release=shipment.release.name)
        elif shipment.holder is not host:
            self.builder.deliver(shipment, host)
        return shipment.release

    def _prepare(self, host: Host, node: str, release: Release, *, needed: bool) -> None:
        """What is done once, on the first host, before any host starts the release."""
        if host is not self.hosts[0]:
            self.prepared.result()
            return
        if needed:
            hooks.run_in_release(host, "before_switch", node, release)
        self.prepared.set_result(None)
