"""``dstc-emu conv``: convolve sparse activations with sparse filters, or all of them with a dense kernel."""

import argparse
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dstc_isa.cli.arguments import InputError, sizes
from dstc_isa.cli.matrices import chosen_densities, chosen_seed, seeds_of
from dstc_isa.cli.one_axis import along_two
from dstc_isa.cli.output import check_files, check_output, hazard_status, reported_fault, save_array, write_report
from dstc_isa.cli.products import add_verify_option, verification, verified, verified_status, with_file_names
from dstc_isa.cli.progress import ProgressBar
from dstc_isa.cli.run_options import add_run_options, check_run_options, chosen_gpu, run_options
from dstc_isa.cli.tensors import HELP, load_tensor, tensor_file
from dstc_isa.cli.terminal import show, verbose, warn
from dstc_isa.errors import UsageError
from dstc_isa.host_threads import check_threads
from dstc_isa.program_files import CONV_KERNELS

if TYPE_CHECKING:
    pass

EXAMPLE = """examples:
  dstc-emu conv X.npy W.npy --padding 1 --bias B.npy --relu -o Y.npy
  dstc-emu conv X.npz model.safetensors:conv1.weight --stride 2 --padding 3
  dstc-emu conv --random 1,64,56,56,64,3,3 --padding 1 --density-a 0.5 --density-w 0.25
"""
SPARSE, DENSE = CONV_KERNELS[0], CONV_KERNELS[-1]


def add_conv_command(commands: Any) -> None:
    """Add the command to the parser's commands."""
    conv = commands.add_parser(
        "conv",
        help="convolve sparse activations with sparse filters",
        epilog=EXAMPLE,
    )
    conv.add_argument(
        "x",
        nargs="?",
        metavar="X",
        help=f"activations (images, channels, height, width) or (images, channels, width): {HELP}",
    )
    conv.add_argument("w", nargs="?", metavar="W", help="filters (filters, channels / groups, rows, columns): the same")
    conv.add_argument("-o", dest="output", type=Path, metavar="Y.npy", help="save the result, float32")
    conv.add_argument("--random", metavar="N,C,H,W,K,R,S", help="random x, NxCxHxW, and K random filters of RxS")
    conv.add_argument("--density-a", type=float, metavar="DA", help="share of non-zeros in random x (default 0.5)")
    conv.add_argument("--density-w", type=float, metavar="DW", help="share of non-zeros in random w (default 0.5)")
    conv.add_argument("--seed", type=int, metavar="S", help="of the random arrays (default 0)")
    conv.add_argument("--stride", default="1", metavar="S|S,S", help="one number, or down and across (default 1)")
    conv.add_argument(
        "--padding",
        default="0",
        metavar="P|P,P|T,B,L,R",
        help="one number, down and across, or above, below, left and right (default 0)",
    )
    conv.add_argument("--dilation", default="1", metavar="D|D,D", help="as --stride (default 1)")
    conv.add_argument("--groups", type=int, default=1, metavar="G", help="groups of channels and filters (default 1)")
    conv.add_argument("--bias", metavar="B.npy", help="a number for each filter, added to the result")
    conv.add_argument("--relu", action="store_true", help="make negative results 0")
    conv.add_argument("--channels-last", action="store_true", help="the device writes the result with channels last")
    conv.add_argument(
        "--encoded",
        action="store_true",
        help="leave the result in FP16 without zeros, as a layer behind reads it; Y.npy has these values",
    )
    conv.add_argument(
        "--skip",
        choices=("both", "weights"),
        default="both",
        help="zeros of both, or of the filters alone (default both)",
    )
    conv.add_argument(
        "--kernel",
        choices=CONV_KERNELS,
        default=SPARSE,
        help=f"without zeros, the same with the paper's instructions, or with all (default {SPARSE})",
    )
    add_verify_option(conv)
    add_run_options(conv)
    conv.set_defaults(run=run_conv)


def run_conv(options: argparse.Namespace) -> int:
    """Run the command."""
    check_threads("--threads", options.threads)
    from dstc_isa.conv.conv2d import conv2d
    from dstc_isa.exact import exact_convolution
    from dstc_isa.text.run_text import run_report

    gpu = chosen_gpu(options)
    check_run_options(options)
    if options.output:
        check_output(options.output, ".npy")
    read = [("X", options.x), ("W", options.w), ("the bias", options.bias)]
    check_files(options, [("the result", options.output)], [(what, tensor_file(text)) for what, text in read])
    if options.kernel == DENSE and (options.channels_last or options.encoded or options.skip != "both"):
        raise UsageError(f"--channels-last, --encoded and --skip go with a sparse kernel, not with {DENSE}")
    if options.encoded and options.kernel != SPARSE:
        raise UsageError(f"--encoded goes with --kernel {SPARSE}, not with {options.kernel}")
    if options.encoded and options.channels_last:
        raise UsageError("--channels-last is an order of FP32 results: not with --encoded")
    stride = sizes("--stride", options.stride, 1, 2)
    padding = sizes("--padding", options.padding, 1, 4)
    dilation = sizes("--dilation", options.dilation, 1, 2)
    try:
        layer = along_two(*_operands(options, stride, padding, dilation), stride, padding, dilation)
        bias = None if options.bias is None else load_tensor(options.bias, "bias")
        with reported_fault(options, gpu=gpu, seeds=seeds_of(options, "x", "w")), ProgressBar() as bar:
            result = conv2d(
                layer.x,
                layer.w,
                stride=layer.stride,
                padding=layer.padding,
                dilation=layer.dilation,
                groups=options.groups,
                bias=bias,
                relu=options.relu,
                kernel=options.kernel,
                skip=options.skip,
                channels_last=options.channels_last,
                encoded=options.encoded,
                gpu=gpu,
                **run_options(options, bar),
            )
    except UsageError:
        raise
    except (TypeError, ValueError) as error:
        files = {"x": options.x, "w": options.w, "bias": options.bias}
        raise InputError(with_file_names(str(error), files)) from None
    if options.output:
        save_array(options.output, layer.result(result.y))
    verdict = None
    if options.verify:
        exact = exact_convolution(layer.x, layer.w, result.shape, bias, options.relu)
        verdict = verified(result.y, exact.in_half() if options.encoded else exact)
    show(*run_report(result.report, full=verbose()))
    warn(result.warning)
    status = verified_status(verdict, max(hazard_status(launch) for launch in result.launches))
    found = {**result.as_json(), **verification(verdict)}
    write_report(options, result.launches, found, seeds=seeds_of(options, "x", "w"), status=status)
    return status


def _operands(
    options: argparse.Namespace, stride: tuple[int, ...], padding: tuple[int, ...], dilation: tuple[int, ...]
) -> tuple[Any, Any]:
    """Activations and filters, as their files hold them or random."""
    given = {"--density-a": options.density_a, "--density-w": options.density_w}
    if options.random is not None:
        if options.x is not None:
            raise UsageError("give either activations and filters or --random, not both")
        return _random_operands(options, given, stride, padding, dilation)
    if options.x is None or options.w is None:
        raise UsageError("conv takes activations X and filters W, or --random N,C,H,W,K,R,S")
    if options.seed is not None or any(density is not None for density in given.values()):
        raise UsageError("--seed, --density-a and --density-w go with --random")
    return load_tensor(options.x, "x"), load_tensor(options.w, "w")


def _random_operands(
    options: argparse.Namespace,
    given: dict[str, float | None],
    stride: tuple[int, ...],
    padding: tuple[int, ...],
    dilation: tuple[int, ...],
) -> tuple[Any, Any]:
    from dstc_isa.conv.shape import ConvShape, pair, sides
    from dstc_isa.errors import ShapeError
    from dstc_isa.host_memory import require
    from dstc_isa.sparse.random_matrix import random_matrix

    densities, seed = chosen_densities(given), chosen_seed(options)
    images, channels, height, width, filters, rows, columns = sizes("--random", options.random, 7, 7)
    try:
        shape = ConvShape(
            images,
            channels,
            height,
            width,
            filters,
            rows,
            columns,
            stride=pair("stride", stride),
            padding=sides(padding),
            dilation=pair("dilation", dilation),
            groups=options.groups,
        )
    except ShapeError as error:  # of numbers that stand on the command line, all of them
        raise UsageError(str(error)) from None
    sizes_of = [math.prod(each) for each in (shape.input_shape, shape.weight_shape, shape.output_shape)]
    halves, floats = sum(sizes_of[:2]), sizes_of[2]
    require(2 * halves + 4 * floats, f"--random {options.random}: activations, filters and the output")
    x = random_matrix(images * channels, height * width, densities[0], seed)
    w = random_matrix(filters * shape.group_channels, rows * columns, densities[1], seed + 1)
    return x.reshape(shape.input_shape), w.reshape(shape.weight_shape)
