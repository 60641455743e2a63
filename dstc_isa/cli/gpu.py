"""``dstc-emu gpu``: which GPUs there are, and what their parameters are and come from."""

import argparse
from pathlib import Path
from typing import Any

from dstc_isa.cli.output import check_files, check_output, write_report
from dstc_isa.cli.status import Status
from dstc_isa.cli.terminal import show


def add_gpu_command(commands: Any) -> None:
    """Add the command to the parser's commands."""
    gpu = commands.add_parser("gpu", help="list the modelled GPUs, or show one with its sources")
    gpu.set_defaults(run=run_gpu)
    actions = gpu.add_commands("action", "action")
    actions.add_parser("list", help="names and descriptions of the GPUs that come with the package")
    show = actions.add_parser("show", help="all parameters of a GPU: value, unit, source")
    show.add_argument("name", metavar="NAME", help="a shipped GPU, or FILE.toml")
    show.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="change a parameter")
    show.add_argument("--isa", action="append", default=[], type=Path, metavar="FILE.py", help="declare further units")
    show.add_argument("--json", type=Path, metavar="R.json", help="write the parameters as JSON")


def run_gpu(options: argparse.Namespace) -> int:
    """Run the command."""
    from rich.table import Table

    from dstc_isa.cli.extensions import load_extensions
    from dstc_isa.gpu import DEFAULT_GPU, gpu_names, is_file, load_gpu
    from dstc_isa.gpu.schema import SOURCES, specs

    table = Table(box=None, pad_edge=False, header_style="bold")
    if options.action == "list":
        for heading in ("GPU", "description"):
            table.add_column(heading, overflow="fold")
        for name in gpu_names():
            table.add_row(f"{name} (default)" if name == DEFAULT_GPU else name, load_gpu(name).description)
        show(table)
        return Status.DONE
    if options.json is not None:
        check_output(options.json)
    load_extensions(options.isa)
    gpu = load_gpu(options.name, options.set)
    if options.json is not None:
        check_files(options, [], [("the GPU", options.name if is_file(options.name) else None)])
    for heading in ("parameter", "value", "unit", "source", "meaning and note"):
        table.add_column(heading, overflow="fold")
    for row in gpu.rows:
        meaning = specs(gpu.isa)[row.key].meaning + (f" ({row.note})" if row.note else "")
        table.add_row(row.key, str(row.value), row.unit, row.source, meaning)
    sources = sorted({row.source for row in gpu.rows})
    show(f"{gpu.name}: {gpu.description}", table, *(f"{source}: {SOURCES[source]}" for source in sources))
    if options.json is not None:
        rows = [
            {"key": r.key, "value": r.value, "unit": r.unit, "source": r.source, "note": r.note, "origin": r.origin}
            for r in gpu.rows
        ]
        write_report(options, [], {"description": gpu.description, "parameters": rows}, gpu=gpu)
    return Status.DONE
