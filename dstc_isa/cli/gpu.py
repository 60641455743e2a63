"""``dstc-emu gpu``: which GPUs there are, and what their parameters are and come from."""

import argparse
from pathlib import Path
from typing import Any


def add_gpu_command(commands: Any) -> None:
    """Add the command to the parser's commands."""
    gpu = commands.add_parser("gpu", help="list the modelled GPUs, or show one with its sources")
    actions = gpu.add_subparsers(dest="action", required=True, metavar="ACTION")
    actions.add_parser("list", help="names and descriptions of the GPUs that come with the package")
    show = actions.add_parser("show", help="all parameters of a GPU: value, unit, source")
    show.add_argument("name", metavar="NAME", help="a shipped GPU, or FILE.toml")
    show.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="change a parameter")
    show.add_argument("--json", type=Path, metavar="R.json", help="write the parameters as JSON")


def run_gpu(options: argparse.Namespace) -> int:
    """Run the command."""
    from rich.console import Console
    from rich.table import Table

    from dstc_isa.cli.output import write_json
    from dstc_isa.gpu import DEFAULT_GPU, gpu_names, load_gpu
    from dstc_isa.gpu.schema import SOURCES, SPECS

    console = Console()
    table = Table(box=None, pad_edge=False, header_style="bold")
    if options.action == "list":
        for heading in ("GPU", "description"):
            table.add_column(heading, overflow="fold")
        for name in gpu_names():
            table.add_row(f"{name} (default)" if name == DEFAULT_GPU else name, load_gpu(name).description)
        console.print(table, highlight=False, markup=False)
        return 0
    gpu = load_gpu(options.name, options.set)
    console.print(f"{gpu.name}: {gpu.description}", highlight=False, markup=False)
    for heading in ("parameter", "value", "unit", "source", "meaning and note"):
        table.add_column(heading, overflow="fold")
    for row in gpu.rows:
        meaning = SPECS[row.key].meaning + (f" ({row.note})" if row.note else "")
        table.add_row(row.key, str(row.value), row.unit, row.source, meaning)
    console.print(table, highlight=False, markup=False)
    for source in sorted({row.source for row in gpu.rows}):
        console.print(f"{source}: {SOURCES[source]}", highlight=False, markup=False)
    if options.json is not None:
        rows = [
            {"key": r.key, "value": r.value, "unit": r.unit, "source": r.source, "note": r.note, "origin": r.origin}
            for r in gpu.rows
        ]
        report = {"name": gpu.name, "description": gpu.description, "parameters": rows}
        write_json(options.json, report)
    return 0
