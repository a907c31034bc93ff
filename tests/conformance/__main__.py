"""`scripts/conformance`: the targets of ansible-core that are named in targets.tsv, run with this tool and compared."""

from __future__ import annotations

import os
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import click

from provisioner.lab import Lab
from tests.conformance import record
from tests.conformance.measure import Measured, measure
from tests.conformance.sdist import sources
from tests.conformance.yardstick import COUNTS, QUICK, Target, targets, unnamed

LOGS = Path(__file__).parents[2] / ".conformance"
PACKAGES = ("acl", "git", "gnupg", "locales", "unzip", "zip", "rsync", "python3-venv")


@click.command()
@click.argument("names", nargs=-1, metavar="[TARGET...]")
@click.option("--quick", is_flag=True, help="Only the subset for CI, which needs no lab host.")
@click.option("--mode", type=click.Choice(["local", "ssh"]), help="Only targets of this kind.")
@click.option("--timeout", type=float, default=600, show_default=True, help="Seconds a target may take.")
@click.option("--reference", type=click.Path(exists=True, file_okay=False, path_type=Path),
              help="Run the ansible-core of this directory of programs instead, and print rows for further.tsv.")
@click.option("--write", is_flag=True, help="Keep the verdicts and write docs/compatibility.md anew.")
def main(names: tuple[str, ...], quick: bool, mode: str | None, timeout: float, reference: Path | None,
         write: bool) -> None:
    """Run Ansible's integration targets and compare status and counts with what ansible-core gave.

    Needs root on Linux: what targets do to this machine stays in a copy that is thrown away.
    The output of each is kept in .conformance/.
    """
    if reference:
        for name in names:
            click.echo(reference_row(measure(unnamed(name), sources(), None, timeout, LOGS / "reference", reference)))
        return
    chosen = [target for target in targets()
              if (not names or target.name in names or target.directory in names)
              and (not quick or target.name in QUICK) and mode in (None, target.mode)]
    if not chosen:
        raise click.UsageError(f"no such target: {' '.join(names)}")
    where = sources()
    results: list[Measured] = []
    with ThreadPoolExecutor(os.cpu_count() if mode == "local" or quick else 1) as pool:  # each has a place of its own
        for result in pool.map(partial(_measured, where=where, timeout=timeout), chosen):
            results.append(result)
            click.echo(row(result))
    if write:
        record.write(record.updated(record.read(), results))
    equal = sum(result.equal for result in results)
    click.echo(f"{equal} of {len(results)} equal ansible-core ({equal / len(results):.0%})")
    sys.exit(equal != len(results))


def _measured(target: Target, where: Path, timeout: float) -> Measured:
    if target.mode == "local":
        return measure(target, where, None, timeout, LOGS)
    lab = Lab(LOGS / "lab")
    (host,) = lab.up((), count=1, packages=PACKAGES)
    try:
        return measure(target, where, host, timeout, LOGS)
    finally:
        lab.down([host.name])


def reference_row(result: Measured) -> str:
    """One row of further.tsv."""
    status = "pass" if result.passed else "fail"
    return "\t".join([result.target.name, result.target.mode, status, *map(str, result.counts), "", ""])


def row(result: Measured) -> str:
    """One line for people: the verdict, then each count, with the wanted one behind a slash where they differ."""
    counts = [f"{name} {count}" + ("" if wanted in (None, count) else f"/{wanted}")
              for name, count, wanted in zip(COUNTS, result.counts, result.target.counts, strict=True)]
    why = "" if result.equal else f"\n    {result.last_words[:300]}"
    verdict = "equal" if result.equal else "DIFFERS"
    return f"{verdict:8}{result.target.name:48}{'  '.join(counts)}  ({result.seconds:.0f} s){why}"


if __name__ == "__main__":
    main()
