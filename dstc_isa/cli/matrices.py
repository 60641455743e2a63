"""The two matrices that a command multiplies: from files, or random."""

import argparse
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dstc_isa.cli.products import HELP, add_verify_option
from dstc_isa.cli.tensors import PLACE, load_tensor, tensor_file
from dstc_isa.cli.terminal import say
from dstc_isa.cli.used_files import Named
from dstc_isa.errors import UsageError

DEFAULT_DENSITY = 0.5


def add_matrix_options(command: argparse.ArgumentParser) -> None:
    """Add them to a command, and the place for the product."""
    for name in ("a", "b"):
        help_text = "matrix: .npy, .npz (SciPy sparse), .mtx or .safetensors; FILE:NAME picks one of several arrays"
        command.add_argument(name, nargs="?", type=Path, metavar=name.upper(), help=help_text)
    command.add_argument("-o", dest="output", type=Path, metavar="C.npy", help=HELP)
    add_verify_option(command)
    command.add_argument("--random", metavar="M,N,K", help="multiply random matrices, MxK times KxN")
    command.add_argument("--seed", type=int, metavar="S", help="of the random matrices (default 0)")


def matrix_files(options: argparse.Namespace) -> list[Named]:
    """The files that the matrices are from."""
    return [("A", tensor_file(options.a)), ("B", tensor_file(options.b))]


def two_matrices(options: argparse.Namespace, densities: Mapping[str, float | None]) -> tuple[Any, Any]:
    """The matrices, as their files hold them or random.

    ``densities``: options for A and B that give the share of non-zeros in random ones, with what was written; random
    matrices are dense without them.
    """
    if options.random is not None:
        if options.a is not None:
            raise UsageError("give either two matrices or --random, not both")
        return _random_matrices(options, densities)
    if options.a is None or options.b is None:
        raise UsageError(f"{options.command} takes two matrices, A and B, or --random M,N,K")
    if options.seed is not None or any(density is not None for density in densities.values()):
        raise UsageError(f"--seed{', --density-a and --density-b go' if densities else ' goes'} with --random")
    with warnings.catch_warnings(record=True) as told:
        matrices = _loaded(options.a, "a"), _loaded(options.b, "b")
    for each in told:
        say(str(each.message))
    return matrices


def _loaded(path: Path, usual: str) -> Any:
    """The matrix of a file that holds one, or several by name; ``usual``: the name of the one that is meant without."""
    from dstc_isa.sparse.matrix_files import load_matrix

    if PLACE.fullmatch(str(path)) or path.suffix == ".safetensors":
        return load_tensor(str(path), usual)
    return load_matrix(path)


def chosen_densities(given: Mapping[str, float | None]) -> list[float]:
    """What the options say, or the default; UsageError for what is no share."""
    shares = [DEFAULT_DENSITY if density is None else density for density in given.values()]
    for name, density in zip(given, shares, strict=True):
        if not 0 <= density <= 1:
            raise UsageError(f"{name} is a fraction from 0 to 1, not {density}")
    return shares


def chosen_seed(options: argparse.Namespace) -> int:
    """The seed of random operands; UsageError for a negative one."""
    seed: int = options.seed or 0
    if seed < 0:
        raise UsageError(f"--seed is 0 or more, not {seed}")
    return seed


def seeds_of(options: argparse.Namespace, *operands: str) -> dict[str, int]:
    """The seeds of random operands, A and B if no names are given: the second one's follows the first one's."""
    if options.random is None:
        return {}
    return {name: chosen_seed(options) + offset for offset, name in enumerate(operands or ("a", "b"))}


def _random_matrices(options: argparse.Namespace, densities: Mapping[str, float | None]) -> tuple[Any, Any]:
    from dstc_isa.cli.arguments import sizes
    from dstc_isa.host_memory import require
    from dstc_isa.sparse.bitmap import DIMENSION_LIMIT
    from dstc_isa.sparse.random_matrix import random_matrix

    m, n, k = sizes("--random", options.random, 3, 3)
    least = 0 if densities else 1  # dense kernels take no empty matrices
    if not least <= min(m, n, k) <= max(m, n, k) <= DIMENSION_LIMIT:
        raise UsageError(f"--random {options.random}: sizes are {least} to {DIMENSION_LIMIT}")
    shares, seed = chosen_densities(densities) or [1.0, 1.0], chosen_seed(options)
    require(2 * (m * k + k * n) + 4 * m * n, f"--random {options.random}: two matrices of FP16 and their product")
    return random_matrix(m, k, shares[0], seed), random_matrix(k, n, shares[1], seed + 1)
