"""The example instruction on both engines, with more operands than its page shows; in processes of their own."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from dstc_isa.isa.volta import VOLTA
from tests.docs.console import ROOT, run

pytestmark = pytest.mark.engine

EXTENSION = ROOT / "tests" / "example_extension.py"
KERNEL = """
.kernel averages
.param .ptr x
.param .ptr y
.param .ptr down
.param .ptr up
.param .u32 constant
.reg    lane, size, a, b, mean
.reg.64 at
    S2R lane, SR_TID.X
    MOV size, 4
    IMAD.WIDE.U32 at, lane, size, x
    LDG.E a, [at]
    IMAD.WIDE.U32 at, lane, size, y
    LDG.E b, [at]
    AVG.U32 mean, a, b
    IMAD.WIDE.U32 at, lane, size, down
    STG.E [at], mean
    AVG.U32.UP mean, a, b
    AVG.U32 mean, mean, constant
    AVG.U32.UP mean, mean, 0x80000001
    IMAD.WIDE.U32 at, lane, size, up
    STG.E [at], mean
    EXIT
.endkernel
"""
THREADS = 1024
CONSTANT = 0xFFFFFFFE


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("averages")
    (place / "averages.dasm").write_text(KERNEL, encoding="utf-8")
    shutil.copy(EXTENSION, place / "avg.py")  # the name it has on the page: the engine is compiled once for both
    random = np.random.default_rng(0)
    edges = np.array([0, 1, 2, 0x7FFFFFFF, 0x80000000, 0x80000001, 0xFFFFFFFE, 0xFFFFFFFF], np.uint32)
    for name in ("x", "y"):
        values = random.integers(0, 2**32, THREADS, np.uint32)
        np.save(place / f"{name}.npy", np.where(random.random(THREADS) < 0.5, random.choice(edges, THREADS), values))
    return place


@pytest.mark.parametrize("engine", ["", "--reference"])
def test_average_of_many_operands(directory: Path, engine: str) -> None:
    printed = run(
        f"dstc-emu run averages.dasm --isa avg.py {engine} --block {THREADS} --arg x=@x.npy --arg y=@y.npy "
        f"--arg down=zeros:u4:{THREADS} --arg up=zeros:u4:{THREADS} --arg constant={CONSTANT} "
        "--out down=down.npy --out up=up.npy",
        directory,
    )
    assert printed.startswith("averages: "), printed
    x, y, down, up = (np.load(directory / f"{name}.npy").tolist() for name in ("x", "y", "down", "up"))
    assert down == [(a + b) // 2 for a, b in zip(x, y, strict=True)]
    last = [((a + b + 1) // 2 + CONSTANT) // 2 for a, b in zip(x, y, strict=True)]
    assert up == [(a + 0x80000001 + 1) // 2 for a in last]


def test_disassembly_assembles_to_the_same_object(directory: Path) -> None:
    isa = "--isa avg.py"
    printed = run(
        f"dstc-asm averages.dasm {isa} && dstc-asm -d averages.dobj {isa} > again.dasm && dstc-asm again.dasm {isa} && "
        f"dstc-asm -d again.dobj {isa} | cmp - again.dasm && grep -c AVG again.dasm",
        directory,
    )
    assert printed == "4\n"


def test_the_example_is_not_declared_here() -> None:
    assert all(declaration.mnemonic != "AVG.U32" for declaration in VOLTA.declarations)
