"""Fits the costs by which launches of convolutions are cut to cycles of the timing model, and says when they are stale.

    python benchmarks/fit_tiling.py --check       # measure the launches of the record anew
    python benchmarks/fit_tiling.py --measure     # measure all launches (hours) or some, and write the record
    python benchmarks/fit_tiling.py               # fit to the record; --write puts the costs into the package

The record, ``fit_tiling.toml``, has cycles of launches that were forced to a cut. A fit takes the costs that bring the
estimates nearest to them, in the least squares of the logarithms, and starts from those of the package. A cost that no
launch of the record depends on stays as it is, and so do those that are chosen. Cycles are deterministic.
"""

import argparse
import sys
import tomllib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import attrs
import numpy as np
from attrs import frozen
from scipy.optimize import least_squares

from dstc_isa.conv.dense.conv_dense import convolve_densely
from dstc_isa.conv.dense.dense_plan import NARROW, SMALL, WIDE, DensePlan, slabs_of
from dstc_isa.conv.dense.dense_plan import estimate as estimate_dense
from dstc_isa.conv.fitted import FILE, Constant, DenseCosts, SparseCosts, constants
from dstc_isa.conv.problem import ConvProblem
from dstc_isa.conv.shape import ConvShape
from dstc_isa.conv.sparse.conv_sparse import SparseMethod, conv_sparse
from dstc_isa.conv.sparse.sparse_plan import SparsePlan
from dstc_isa.conv.sparse.tiling import FILTER_TILES, PARTS, Tiling, choose_cut, estimate, estimate_steps
from dstc_isa.gpu import load_gpu

RECORD = Path(__file__).with_suffix(".toml")
GPU = "v100-dstc"
LAYERS = ((64, 56), (128, 28), (256, 14), (512, 7))
IMAGES = (1, 2, 4, 8, 16, 32)
DENSITIES = ((0.5, 0.25), (0.5, 0.5), (1.0, 1.0))
DENSE_PARTS = (1, 2, 4, 8)
TOLERANCE = 0.05
"""Share of the cycles by which a launch may differ from the record before the fit is called stale."""

DIGITS = 3
STEP = 0.02
"""Share by which costs are changed to see what depends on them; estimates have corners, of which it sees both sides."""
TILES = {tile.name: tile for tile in (WIDE, NARROW, SMALL)}


@frozen
class Launch:
    """A launch of a 3x3 layer with as many filters as channels, forced to a cut.

    ``kernel``: spconv, spconv_ohmma, or a tile of conv_dense. ``tiles``: of 32 filters of a warp, 0 for conv_dense.
    """

    kernel: str
    images: int
    channels: int
    size: int
    density_x: float
    density_w: float
    tiles: int
    parts: int

    @property
    def shape(self) -> ConvShape:
        one = (1, 1, 1, 1)
        return ConvShape(self.images, self.channels, self.size, self.size, self.channels, 3, 3, padding=one)

    @property
    def tiling(self) -> Tiling:
        return Tiling(self.tiles, self.parts)

    def measured(self) -> int:
        """Cycles of the kernel that convolves."""
        x = random_array(self.shape.input_shape, self.density_x, 0)
        w = random_array(self.shape.weight_shape, self.density_w, 1)
        problem, gpu = ConvProblem.shaped(self.shape, x, w), load_gpu(GPU)
        if self.kernel in TILES:
            result = convolve_densely(problem, gpu=gpu, plan=DensePlan(TILES[self.kernel], self.parts))
        else:
            result = conv_sparse(problem, SparseMethod(self.kernel, tiling=self.tiling), gpu=gpu)
        return result.run.timing.cycles

    def estimated(self, sparse: SparseCosts, dense: DenseCosts) -> float:
        """Cycles by the costs."""
        if self.kernel in TILES:
            return estimate_dense(self.shape, DensePlan(TILES[self.kernel], self.parts), dense)
        plan = SparsePlan(self.shape)
        if self.kernel == "spconv_ohmma":
            return estimate_steps(plan, self.tiling, sparse)
        return estimate(plan, choose_cut(plan, self.tiling, self.density_w, halves=True), self.density_w, sparse)


def random_array(shape: tuple[int, ...], density: float, seed: int) -> np.ndarray:
    generator = np.random.default_rng(seed)
    values = generator.standard_normal(shape).astype(np.float16)
    return np.where(generator.random(shape) < density, values, np.float16(0))


def launches(layers: tuple[tuple[int, int], ...], images: tuple[int, ...]) -> Iterator[Launch]:
    """All cuts of all layers, small layers first."""
    for count in images:
        for channels, size in layers:
            for density_x, density_w in DENSITIES:
                for tiles in FILTER_TILES:
                    for parts in PARTS:
                        yield Launch("spconv", count, channels, size, density_x, density_w, tiles, parts)
                if density_w < 1:
                    for parts in PARTS:
                        yield Launch("spconv_ohmma", count, channels, size, density_x, density_w, 2, parts)
            for name, tile in TILES.items():
                for parts in DENSE_PARTS if tile.divides else (1,):
                    launch = Launch(name, count, channels, size, 1.0, 1.0, 0, parts)
                    if parts <= slabs_of(launch.shape, tile):
                        yield launch


def read_record() -> dict[Launch, int]:
    """Launches with their cycles."""
    entries = tomllib.loads(RECORD.read_text(encoding="utf-8"))["launch"]
    return {Launch(**{k: v for k, v in entry.items() if k != "cycles"}): entry["cycles"] for entry in entries}


def write_record(found: Mapping[Launch, int]) -> None:
    lines = [f"# Cycles on {GPU}, by benchmarks/fit_tiling.py --measure."]
    for launch, cycles in found.items():
        lines += ["", "[[launch]]", *(f"{name} = {toml(value)}" for name, value in attrs.asdict(launch).items())]
        lines.append(f"cycles = {cycles}")
    RECORD.write_text("\n".join(lines) + "\n", encoding="utf-8")


def toml(value: object) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value)


def errors_of(values: Mapping[str, float], record: Mapping[Launch, int]) -> np.ndarray:
    """Logarithm of the estimate of each launch over its cycles."""
    sparse, dense = SparseCosts.of(values), DenseCosts.of(values)
    return np.array([np.log(launch.estimated(sparse, dense) / cycles) for launch, cycles in record.items()])


def fitted(known: Mapping[str, Constant], record: Mapping[Launch, int]) -> dict[str, float]:
    """Values of the constants that are fitted and that launches of the record depend on."""
    values = {key: constant.value for key, constant in known.items()}
    before = errors_of(values, record)
    moved = [
        key
        for key, constant in known.items()
        if constant.source != "CHOSEN"
        and any(np.any(errors_of({**values, key: f * values[key]}, record) != before) for f in (1 - STEP, 1 + STEP))
    ]
    start = np.array([values[key] for key in moved])

    def residuals(factors: np.ndarray) -> np.ndarray:
        return errors_of({**values, **dict(zip(moved, factors * start, strict=True))}, record)

    found = least_squares(
        residuals, np.ones(len(moved)), bounds=(0.2, 5.0), diff_step=STEP, loss="soft_l1", f_scale=0.1
    )
    return {key: float(f"{value:.{DIGITS}g}") for key, value in zip(moved, found.x * start, strict=True)}


def file_text(changed: Mapping[str, float]) -> str:
    """The file of the package with values of this fit; its order, notes and comments stay."""
    lines, table = [], ""
    for line in FILE.read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            table = line.strip("[]")
        name, equals, rest = line.partition(" = { v = ")
        if equals and f"{table}.{name}" in changed:
            value = changed[f"{table}.{name}"]
            number = int(value) if value == int(value) else value
            lines.append(f'{name}{equals}{number}, src = "FIT"{rest[rest.index(", note") :]}')
        else:
            lines.append(line)
    return "\n".join(lines) + "\n"


def check(record: Mapping[Launch, int], say: Callable[[str], None]) -> bool:
    """Whether the launches of the record still take as long as when it was made."""
    stale = 0
    for launch, cycles in record.items():
        now = launch.measured()
        differs = abs(now - cycles) > TOLERANCE * cycles
        stale += differs
        say(f"{'STALE' if differs else 'as recorded'}: {now:,} cycles, recorded {cycles:,}: {launch}")
    say(
        f"{stale} of {len(record)} launches differ by more than {TOLERANCE:.0%}"
        + (": measure and fit anew" * (stale > 0))
    )
    return not stale


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="measure the record anew; exit status 1 if it is stale")
    parser.add_argument("--measure", action="store_true", help="measure launches and write the record")
    parser.add_argument("--write", action="store_true", help="write the fitted costs into the package")
    parser.add_argument("--images", type=int, nargs="*", default=IMAGES, help="images of a layer (with --measure)")
    parser.add_argument("--layers", nargs="*", default=[f"{c}x{s}" for c, s in LAYERS], help="such as 64x56")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="only every Nth launch, from the first on")
    options = parser.parse_args()
    if options.measure:
        layers = tuple(tuple(map(int, layer.split("x"))) for layer in options.layers)
        found: dict[Launch, int] = {}
        for launch in list(launches(layers, tuple(options.images)))[:: options.every]:
            found[launch] = launch.measured()
            print(f"{found[launch]:,} cycles: {launch}", flush=True)
            write_record(found)
        return 0
    record = dict(list(read_record().items())[:: options.every])
    if options.check:
        return 0 if check(record, print) else 1
    known = constants()
    before = {key: constant.value for key, constant in known.items()}
    changed = fitted(known, record)
    for values, what in ((before, "as they are"), ({**before, **changed}, "fitted")):
        off = np.abs(np.expm1(errors_of(values, record)))
        print(f"costs {what}: estimates are off by {np.median(off):.1%} in the middle, {off.max():.1%} at most")
    for key, value in changed.items():
        print(f"{key}: {before[key]:g} -> {value:g}")
    print(f"{len(before) - len(changed)} of {len(before)} constants stay: chosen, or of no launch of the record")
    if options.write:
        FILE.write_text(file_text(changed), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
