"""How fast ``dstc-asm -d`` lists cubins, beside nvdisasm 12.4: ``python -m benchmarks.listing [CUBIN ...]``.

Without files, those are listed that ptxas makes of the sources in ``tests/volta/cuda`` at -O3, -O1 and -O0. Compilers
and nvdisasm are those of the extra ``oracle``; ``--nvdisasm`` names another place. Each file is a process of either
tool, in turns, so that other work on the machine meets both; ``--rounds``: how often. A first run fills the cache.

  files         seconds for all files, medians of the rounds, and the ratio
  instructions  100,000 of them as bare words, as a cubin, and as a cubin with a source line for every second one
  start         a cubin of 2,000 instructions, beyond the start of the interpreter
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from itertools import cycle, islice
from pathlib import Path

from dstc_isa.listing.cubin_file import WORD_BYTES, read_cubin
from tests.object.cubins import Function, cubin
from tests.volta import vendor

OURS = str(Path(sys.executable).with_name("dstc-asm"))
LEVELS = ("-O3", "-O1", "-O0")
MANY, FEW = 100_000, 2_000
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def seconds(command: Sequence[str]) -> float:
    """The wall time of a process."""
    start = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True, env=ENVIRONMENT)
    return time.perf_counter() - start


def in_turns(commands: Sequence[Sequence[str]], rounds: int) -> list[float]:
    """The median wall time of each."""
    times = [[seconds(command) for command in commands] for _ in range(rounds)]
    return [statistics.median(each) for each in zip(*times, strict=True)]


def compiled(folder: Path) -> list[Path]:
    """The cubins of the sources of the repository's tests."""
    made = []
    for source in sorted((Path(vendor.__file__).parent / "cuda").glob("*.cu")):
        ptx = vendor.compile_cuda(source.read_text(encoding="utf-8"), str(source))
        for level in LEVELS:
            made.append(folder / f"{source.stem}{level}.cubin")
            made[-1].write_bytes(vendor.assemble(ptx, [level]))
    return made


def files(paths: Sequence[Path], nvdisasm: str, rounds: int) -> None:
    ours, theirs = 0.0, 0.0
    for path in paths:
        one, other = in_turns([[OURS, "-d", str(path)], [nvdisasm, str(path)]], rounds)
        ours, theirs = ours + one, theirs + other
    print(f"files         {len(paths)}: dstc-asm {ours:.1f} s, nvdisasm {theirs:.1f} s, ratio {ours / theirs:.2f}")


def instructions(words: Sequence[int], folder: Path, nvdisasm: str, rounds: int) -> None:
    many = [*islice(cycle(words), MANY)]
    bare, plain, with_lines = (folder / name for name in ("many.bin", "many.cubin", "lines.cubin"))
    bare.write_bytes(b"".join(word.to_bytes(WORD_BYTES, "little") for word in many))
    lines = {WORD_BYTES * index: (1, 1 + index % 999) for index in range(0, MANY, 2)}
    plain.write_bytes(cubin({"many": Function(many)}, ("many.cu",)))
    with_lines.write_bytes(cubin({"many": Function(many, lines=lines)}, ("many.cu",)))
    commands: list[list[str]] = [[OURS, "-d", "--raw", str(bare)], [nvdisasm, "-b", "SM70", str(bare)]]
    commands += [[OURS, "-d", str(path)] for path in (plain, with_lines)]
    one, theirs, two, three = in_turns(commands, rounds)
    speeds = ", ".join(
        f"{name} {MANY / each:,.0f}/s" for name, each in (("words", one), ("cubin", two), ("with lines", three))
    )
    print(f"instructions  {speeds}; nvdisasm {MANY / theirs:,.0f}/s, ratio of the words' times {one / theirs:.2f}")


def start(words: Sequence[int], folder: Path, rounds: int) -> None:
    path = folder / "few.cubin"
    path.write_bytes(cubin({"few": Function([*islice(cycle(words), FEW)])}, ()))
    ours, bare = in_turns([[OURS, "-d", str(path)], [sys.executable, "-c", "pass"]], max(rounds, 15))
    print(f"start         {1000 * (ours - bare):.0f} ms beyond the interpreter's {1000 * bare:.0f} ms")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cubins", metavar="CUBIN", nargs="*", type=Path)
    parser.add_argument("--nvdisasm", metavar="FILE", default="")
    parser.add_argument("--rounds", metavar="N", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        paths = options.cubins or compiled(folder)
        nvdisasm = options.nvdisasm or vendor.nvdisasm()
        seconds([OURS, "-d", str(paths[0])])
        words = [
            int.from_bytes(code.data[at : at + WORD_BYTES], "little")
            for path in paths
            for code in read_cubin(path.read_bytes())
            for at in range(0, len(code.data), WORD_BYTES)
        ]
        print(f"{len(words):,} instructions")
        start(words, folder, options.rounds)
        instructions(words, folder, nvdisasm, options.rounds)
        files(paths, nvdisasm, options.rounds)


if __name__ == "__main__":
    main()
