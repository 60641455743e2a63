"""``dstc-emu validate``: the timing model against published measurements."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dstc_isa.cli.output import check_output, write_report
from dstc_isa.cli.status import Status
from dstc_isa.cli.terminal import announce, show
from dstc_isa.errors import UsageError

if TYPE_CHECKING:
    from dstc_isa.studies.validation import Check


def add_validate_command(commands: Any) -> None:
    """Add the command to the parser's commands."""
    validate = commands.add_parser("validate", help="compare the timing model with published measurements")
    validate.add_argument(
        "--only", metavar="GROUP,...", help="some of latency, throughput, wmma, gemm, fig21 (default: all, minutes)"
    )
    validate.add_argument("--json", type=Path, metavar="R.json", help="write the comparison as JSON")
    validate.set_defaults(run=run_validate)


def run_validate(options: argparse.Namespace) -> int:
    """Run the command; exit status 4 if a value is beyond its tolerance."""
    from rich.table import Table

    from dstc_isa.gpu import load_gpu
    from dstc_isa.studies.validation import GROUPS, MACHINE, validate

    if options.json is not None:
        check_output(options.json)
    groups = GROUPS if options.only is None else tuple(dict.fromkeys(options.only.split(",")))
    for group in groups:
        if group not in GROUPS:
            raise UsageError(f"--only: there is no group {group}; there are {', '.join(GROUPS)}")
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("measurement", overflow="fold")
    for heading in ("published", "ours", "error", "tolerance"):
        table.add_column(heading, justify="right")
    for heading in ("unit", "source", ""):
        table.add_column(heading, overflow="fold")
    checks: list[Check] = []
    ended = False
    try:
        for check in validate(groups, lambda name: announce(f"measuring {name} ...")):
            checks.append(check)
            numbers = f"{check.published:.4g}", f"{check.ours:.4g}", f"{check.error:+.1%}", f"{check.tolerance:.0%}"
            table.add_row(check.name, *numbers, check.unit, check.source, "pass" if check.passed else "FAIL")
        ended = True
    finally:  # an interrupt loses nothing that has been measured
        failed = sum(not check.passed for check in checks)
        status = Status.FINDING if failed else Status.DONE if ended else Status.INTERRUPTED
        facts = {"groups": [*groups], "checks": [check.as_json() for check in checks]}
        write_report(options, [], facts, gpu=load_gpu(MACHINE), status=status)
        show(table, f"{len(checks) - failed} of {len(checks)} within tolerance")
    return status
