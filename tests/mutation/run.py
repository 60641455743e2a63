"""Runs the tests against deliberately broken copies of the package and says which breaks they do not notice.

``python tests/mutation/run.py`` runs every mutant of ``mutants.toml``; names or groups on the command line choose some.
``--table`` prints the outcome as a Markdown table. A mutant replaces one piece of text of one file. Its tests run in a
copy of the tree, with Hypothesis' seeds fixed (CI=1) and no shrinking, since only the outcome counts. Exit status 1
if more than ALLOWED of those that change anything survive, 2 if a mutant's text is no longer in its file.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from attrs import frozen

ROOT = Path(__file__).resolve().parents[2]
LIST = Path(__file__).with_name("mutants.toml")
COPIED = ("dstc_isa", "tests", "programs", "docs", "examples", "benchmarks", "pyproject.toml", "README.md")
LONGEST = 900
"""Seconds for the tests of one mutant; one that takes longer hangs, which is noticed."""

ALLOWED = 0.05
KILLED, SURVIVED, HUNG, NO_TEST = "killed", "survived", "hung", "no test ran"


@frozen
class Mutant:
    """One break: ``old`` becomes ``new`` in ``file``. ``equivalent``: why nothing can tell, empty if something can."""

    id: str
    group: str
    file: str
    old: str
    new: str
    what: str
    tests: list[str]
    equivalent: str = ""


@frozen
class Outcome:
    """What the tests said: KILLED, SURVIVED, HUNG or NO_TEST, the first failing test, and the seconds it took."""

    mutant: Mutant
    verdict: str
    by: str
    seconds: float


def mutants(path: Path = LIST) -> list[Mutant]:
    """All mutants of the list."""
    groups = tomllib.loads(path.read_text(encoding="utf-8"))
    return [
        Mutant(id=name, group=group, **{"tests": entries["tests"], **entry})
        for group, entries in groups.items()
        for name, entry in entries["mutants"].items()
    ]


def stale(mutant: Mutant, root: Path = ROOT) -> str | None:
    """Why a mutant cannot be made of this tree, or None."""
    found = (root / mutant.file).read_text(encoding="utf-8").count(mutant.old)
    return None if found == 1 else f"{mutant.id}: its text stands {found} times in {mutant.file}, not once"


def applied(mutant: Mutant, root: Path) -> None:
    """Break a copy of the tree."""
    path = root / mutant.file
    path.write_text(path.read_text(encoding="utf-8").replace(mutant.old, mutant.new), encoding="utf-8")


def outcome(mutant: Mutant) -> Outcome:
    """Run a mutant's tests in a copy of the tree, up to the first failure."""
    with tempfile.TemporaryDirectory(prefix="mutant-") as directory:
        copy = Path(directory)
        for name in COPIED:
            source = ROOT / name
            if source.is_dir():
                shutil.copytree(source, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(source, copy / name)
        applied(mutant, copy)
        environment = {
            **os.environ,
            "CI": "1",
            "DSTC_MUTANT": mutant.id,
            "PYTHONPATH": str(copy),
            "DSTC_CACHE_DIR": str(copy / ".cache"),
        }
        started = time.perf_counter()
        command = [sys.executable, "-m", "pytest", "-x", "-p", "no:cacheprovider"]
        try:
            done = subprocess.run(
                [*command, *mutant.tests],
                cwd=copy,
                env=environment,
                capture_output=True,
                text=True,
                timeout=LONGEST,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return Outcome(mutant, HUNG, f"more than {LONGEST} s", LONGEST)
        seconds = time.perf_counter() - started
    if done.returncode == 0:
        return Outcome(mutant, SURVIVED, "", seconds)
    failed = re.search(r"^(?:FAILED|ERROR) (\S+)", done.stdout, re.MULTILINE)
    if failed is None:
        return Outcome(mutant, NO_TEST, (done.stdout + done.stderr).strip()[-400:], seconds)
    return Outcome(mutant, KILLED, failed[1], seconds)


def chosen(words: list[str]) -> Iterator[Mutant]:
    """Those that the command line names, by id, group or file; all if it names none."""
    for mutant in mutants():
        if not words or {mutant.id, mutant.group, mutant.file} & {*words}:
            yield mutant


def table(outcomes: list[Outcome]) -> str:
    """A Markdown table."""
    rows = ["| mutant | file | what is broken | outcome | by | s |", "| --- | --- | --- | --- | --- | --- |"]
    for each in outcomes:
        by = f"`{each.by}`" if each.verdict == KILLED else each.mutant.equivalent
        verdict = "equivalent" if each.mutant.equivalent else each.verdict
        mutant = each.mutant
        rows.append(f"| {mutant.id} | {mutant.file} | {mutant.what} | {verdict} | {by} | {each.seconds:.0f} |")
    return "\n".join(rows)


def main() -> int:
    """Run the chosen mutants and sum up."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("names", nargs="*", help="ids, groups or files; all if none is given")
    parser.add_argument("--table", action="store_true", help="print a Markdown table at the end")
    options = parser.parse_args()
    selected = list(chosen(options.names))
    old = [text for text in map(stale, selected) if text]
    if old:
        print("\n".join(old), file=sys.stderr)
        return 2
    outcomes = []
    for mutant in selected:
        if mutant.equivalent:
            outcomes.append(Outcome(mutant, SURVIVED, "", 0.0))
            continue
        outcomes.append(outcome(mutant))
        last = outcomes[-1]
        print(f"{mutant.id:6} {last.verdict:9} {last.seconds:5.0f} s  {mutant.what}  {last.by}", flush=True)
    if options.table:
        print(table(outcomes))
    counted = Counter(each.verdict for each in outcomes if not each.mutant.equivalent)
    noticed = counted[KILLED] + counted[HUNG]
    print(f"{noticed} of {counted.total()} noticed, {len(outcomes) - counted.total()} equivalent")
    return int(counted.total() - noticed > ALLOWED * counted.total())


if __name__ == "__main__":
    sys.exit(main())
