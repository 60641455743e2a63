"""The command ``dstc-emu``: run kernels and multiply sparse matrices on the emulated machine."""

import argparse
import sys
from collections.abc import Sequence
from typing import Any

from dstc_isa.cli.cache import add_cache_command
from dstc_isa.cli.conv import add_conv_command
from dstc_isa.cli.entry import run_command
from dstc_isa.cli.examples import add_examples_command
from dstc_isa.cli.gemm import add_gemm_command
from dstc_isa.cli.gpu import add_gpu_command
from dstc_isa.cli.isa import add_isa_command
from dstc_isa.cli.network import add_network_command
from dstc_isa.cli.parser import CommandParser, add_version, parse
from dstc_isa.cli.run import add_run_command
from dstc_isa.cli.spgemm import add_spgemm_command
from dstc_isa.cli.status import Status
from dstc_isa.cli.sweep import add_sweep_command
from dstc_isa.cli.validate import add_validate_command

PROGRAM = "dstc-emu"
DESCRIPTION = "Instruction-level emulator of the Dual-side Sparse Tensor Core."


def parser() -> CommandParser:
    """The command line; the chosen command's function is in ``run``."""
    top = CommandParser(prog=PROGRAM, description=DESCRIPTION, top=True)
    add_version(top)
    commands = top.add_commands("command", "command")
    for add in (
        add_run_command,
        add_spgemm_command,
        add_gemm_command,
        add_conv_command,
        add_gpu_command,
        add_validate_command,
        add_sweep_command,
        add_network_command,
        add_examples_command,
        add_cache_command,
        add_isa_command,
        add_help_command,
    ):
        add(commands)
    return top


def add_help_command(commands: Any) -> None:
    """Add the command to the parser's commands."""
    command = commands.add_parser("help", help="print the help of a command")
    command.add_argument("words", nargs="*", metavar="COMMAND", help="the command, such as run or gpu show")
    command.set_defaults(run=run_help)


def run_help(options: argparse.Namespace) -> int:
    """Run the command."""
    parser().parse_args([*options.words, "--help"])
    return Status.DONE


def main(arguments: Sequence[str] | None = None) -> int:
    """Run ``dstc-emu``; returns the exit status, and leaves by SystemExit for a wrong command line or a help."""
    options = parse(parser(), arguments)
    return run_command(PROGRAM, lambda: options.run(options), options.parser)


if __name__ == "__main__":
    sys.exit(main())
