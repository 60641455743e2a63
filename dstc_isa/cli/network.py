"""``dstc-emu network``: the layers of a network, dense, with sparse weights, and with both sides sparse."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dstc_isa.cli.arguments import InputError
from dstc_isa.cli.output import check_files, check_output, reported_fault, write_report
from dstc_isa.cli.pictures import NO_PLOTS, drawn_or_told
from dstc_isa.cli.run_options import HEARTBEAT, add_timeout_option, check_sample
from dstc_isa.cli.status import Status
from dstc_isa.cli.terminal import announce, console, show, warn
from dstc_isa.cli.used_files import Named
from dstc_isa.errors import UsageError
from dstc_isa.host_threads import check_threads

if TYPE_CHECKING:
    from fractions import Fraction

    from dstc_isa.network.device import Device
    from dstc_isa.network.outcome import NetworkProgress, Outcome
    from dstc_isa.network.prune import Scope
    from dstc_isa.network.record import Record

ONNX = ".onnx"
SCOPES: "tuple[Scope, Scope]" = ("layer", "global")
EXAMPLE = """examples:
  dstc-emu network net.onnx --input image.npy --prune 0.8 -o study
  dstc-emu network vgg16 --sample 0.25 -o study
  dstc-emu network resnet50 --layers 'conv4_*,conv5_*' -o study
  dstc-emu network net.onnx --input audio.npy --layers '!stft*' -o study
"""

Run = Callable[["Device", "Record", "NetworkProgress"], "Outcome"]
Network = tuple[str, Run, dict[str, Any], dict[str, Any]]
"""Name, how to run it, what tells its rows from those of other runs, and what the report says of it."""


def add_network_command(commands: Any) -> None:
    """Add the command to the parser's commands."""
    command = commands.add_parser(
        "network",
        help="run the layers of a network, dense and sparse, with a picture",
        epilog=EXAMPLE,
    )
    command.add_argument(
        "network",
        metavar="NET",
        help="FILE.onnx, FILE.toml (a table of layers), or vgg16, resnet18, resnet50, bert-base",
    )
    command.add_argument(
        "--input",
        action="append",
        default=[],
        metavar="[NAME=]X.npy",
        help="input of an ONNX network, with its name if there are several",
    )
    command.add_argument(
        "--prune", metavar="SHARE", help="make this share of an ONNX network's weights zero, smallest first"
    )
    command.add_argument(
        "--prune-scope", choices=SCOPES, help="that share of each layer (default), or of all layers together"
    )
    command.add_argument(
        "--layers",
        metavar="NAME,...",
        help="run only these on the machine; a * stands for anything, and '!NAME' leaves out. The host runs the others "
        "of an ONNX network",
    )
    command.add_argument(
        "--no-chain",
        action="store_true",
        help="take each result of an ONNX network to the host, and encode each input anew",
    )
    command.add_argument("--seed", type=int, metavar="S", help="of the random values of a table (default 0)")
    command.add_argument("--gpu", metavar="GPU", help="GPU to time on: a name or FILE.toml (default v100-dstc)")
    command.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="change a parameter, such as sm.count=40"
    )
    command.add_argument(
        "--sample", type=float, metavar="SHARE", help="time this share of the CTAs, 0 to 1, and estimate the cycles"
    )
    command.add_argument("--threads", type=int, metavar="N", help="host threads (default: all cores)")
    add_timeout_option(command, "a launch of a layer")
    command.add_argument("--no-plots", action="store_true", help=NO_PLOTS)
    command.add_argument(
        "-o",
        dest="output",
        type=Path,
        required=True,
        metavar="DIR",
        help="directory of layers.csv, layers.jsonl, network.json and the picture layers, and outputs.npz of an ONNX "
        "network; the same command goes on there",
    )
    command.add_argument("--json", type=Path, metavar="R.json", help="write the report as JSON; - is standard output")
    command.add_argument("--overwrite", action="store_true", help="start anew, whatever run the directory has")
    command.set_defaults(run=run_network)


def _study_files(options: argparse.Namespace) -> list[Named]:
    from dstc_isa.network.record import FILES
    from dstc_isa.studies.claim import SETTINGS

    return [("part of the study", options.output / name) for name in (SETTINGS, *FILES)]


def run_network(options: argparse.Namespace) -> int:
    """Run the command."""
    check_threads("--threads", options.threads)
    from dstc_isa.cli.network_report import NetworkReporter, layer_table, summary, warnings_of
    from dstc_isa.engine.run_options import RunOptions
    from dstc_isa.engine.supervision import TimedOut, check_timeout
    from dstc_isa.gpu import DEFAULT_GPU, load_gpu
    from dstc_isa.network.device import Device
    from dstc_isa.network.errors import NetworkError, NetworkNameError
    from dstc_isa.network.plot import draw
    from dstc_isa.network.record import opened
    from dstc_isa.network.study import machine_study
    from dstc_isa.studies.claim import JournalError

    if options.json is not None:
        check_output(options.json)
    check_files(options, _study_files(options), [("the network", options.network)])
    check_sample(options.sample)
    check_timeout("--timeout", options.timeout)
    gpu = load_gpu(options.gpu or DEFAULT_GPU, options.set)
    how = RunOptions(
        threads=options.threads,
        sample=options.sample,
        announce=announce,
        timeout=options.timeout,
        heartbeat=HEARTBEAT,
    )
    device = Device(gpu=gpu, options=how)
    reporter = NetworkReporter(console(sys.stderr))
    record: Record | None = None
    try:
        name, run, study, facts = _graph(options) if options.network.endswith(ONNX) else _table(options)
        settings = {"network": name, "gpu": gpu.name, "set": options.set, "sample": options.sample, **facts}
        seeds = {"values": facts["seed"]} if "seed" in facts else None
        study |= machine_study(gpu, options.sample)
        with opened(options.output, study, settings, reporter.told, overwrite=options.overwrite) as record:
            with reported_fault(options, record.unfinished, gpu=gpu, seeds=seeds), reporter.bar:
                outcome = run(device, record, reporter)
            written = record.finish(outcome)
            if outcome.rows and not options.no_plots:
                sampled = [] if options.sample is None else [f"{options.sample:.4g} of the CTAs timed"]
                title = f"{name} on {', '.join([gpu.name, *options.set, *sampled])}"
                written += drawn_or_told(lambda: draw(outcome.rows, title, options.output))
    except NetworkNameError:
        raise
    except (JournalError, NetworkError) as error:
        raise InputError(str(error)) from None
    except (KeyboardInterrupt, TimedOut, OSError) as error:
        if record is not None and record.rows:
            reporter.told(
                f"{len(record.rows)} of {reporter.layers} layers are kept in {options.output}; the same command goes on"
            )
        elif record is not None and not isinstance(error, OSError):
            reporter.told(f"no layer is done; {options.output} is as it was")
        raise
    if outcome.rows:
        show(layer_table(outcome.rows))
    for text in warnings_of(outcome):
        warn(text)
    show(*summary(outcome, options.sample), f"wrote {', '.join(map(str, written))}")
    write_report(options, [], record.report(outcome), gpu=gpu, seeds=seeds)
    return Status.DONE


def _table(options: argparse.Namespace) -> Network:
    from dstc_isa.network.study import table_study
    from dstc_isa.network.table import load_table
    from dstc_isa.network.table_run import run_table

    for option, given in (
        ("--input", options.input),
        ("--prune", options.prune is not None),
        ("--prune-scope", options.prune_scope),
        ("--no-chain", options.no_chain),
    ):
        if given:
            raise UsageError(f"{option} goes with an ONNX network; a table of layers has shapes and densities alone")
    seed = options.seed or 0
    if seed < 0:
        raise UsageError(f"--seed is 0 or more, not {seed}")
    patterns = _patterns(options)
    table = load_table(options.network)

    def run(device: "Device", record: "Record", watch: "NetworkProgress") -> "Outcome":
        return run_table(
            table, device, seed=seed, layers=patterns, keep=record.add, kept=tuple(record.rows), watch=watch
        )

    study = {**table_study(table, seed), "layers": patterns}
    return table.name, run, study, {"seed": seed, "shapes": table.shapes, "densities": table.densities}


def _graph(options: argparse.Namespace) -> Network:
    from dstc_isa.cli.network_inputs import arrays_given
    from dstc_isa.network.graph import load_graph
    from dstc_isa.network.graph_run import checked_inputs, run_graph
    from dstc_isa.network.study import graph_study

    if options.seed is not None:
        raise UsageError("--seed goes with a table of layers; an ONNX network has weights and takes --input")
    if options.prune is None and options.prune_scope:
        raise UsageError("--prune-scope goes with --prune")
    scope: Scope = options.prune_scope or SCOPES[0]
    share = _share(options.prune)
    patterns = _patterns(options)
    chain = not options.no_chain
    graph = load_graph(Path(options.network))
    inputs = checked_inputs(graph, arrays_given(options.input, [each.name for each in graph.inputs]))
    check_files(options, _study_files(options))

    def run(device: "Device", record: "Record", watch: "NetworkProgress") -> "Outcome":
        return run_graph(
            graph,
            inputs,
            device,
            prune=share,
            scope=scope,
            layers=patterns,
            chain=chain,
            keep=record.add,
            kept=tuple(record.rows),
            watch=watch,
        )

    chosen = {"prune": float(share), "prune_scope": scope if share else None, "chain": chain}
    study = {**graph_study(graph, inputs), **chosen, "layers": patterns}
    return graph.path.stem, run, study, {"inputs": options.input, **chosen}


def _share(text: str | None) -> "Fraction":
    from dstc_isa.decimal_share import exact_share

    try:
        share = exact_share(text or "0")
    except ValueError:
        raise UsageError(f"--prune is a share of the weights, such as 0.8, not {text!r}") from None
    if not 0 <= share < 1:
        raise UsageError(f"--prune is a share of the weights, at least 0 and less than 1, not {text}")
    return share


def _patterns(options: argparse.Namespace) -> list[str]:
    patterns = [] if options.layers is None else [pattern.strip() for pattern in options.layers.split(",")]
    if not all(pattern.lstrip("!") for pattern in patterns):
        raise UsageError(f"--layers {options.layers!r}: expected names with a comma between each two; one is empty")
    return patterns
