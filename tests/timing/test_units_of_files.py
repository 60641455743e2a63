"""Units that files of the user's declare are timed as if they were built in."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.docs.console import BLOCK, ROOT

pytestmark = pytest.mark.engine

RUN = """
import json, sys
import numpy as np
import dstc_isa
from dstc_isa.object.load import load_file
from pathlib import Path
job = json.loads(sys.stdin.read())
for path in job["isa"]:
    dstc_isa.load_extension(path)
gpu = dstc_isa.load_gpu(job.get("gpu", "v100-dstc"), job.get("settings", []))
arrays = {name: np.load(file) for name, file in job["arrays"].items()}
result = dstc_isa.run(job["program"], grid=job.get("grid", 1), block=job["block"], gpu=gpu, **arrays)
for name, array in result.arrays.items():
    np.save(f"{name}.out.npy", array)
timing = result.report.timing
print(json.dumps({"cycles": timing.cycles, "stalls": timing.stalls, "counters": timing.counters,
                  "bounds": {b.resource: b.cycles for b in timing.bounds}, "slots": timing.issue_slots}))
"""


def launched(directory: Path, **job: Any) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-c", RUN],
        input=json.dumps(job),
        cwd=directory,
        env={**__import__("os").environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of the page about units, and words of bytes of which many are zero."""
    place = tmp_path_factory.mktemp("unit")
    for _, name, body in BLOCK.findall((ROOT / "docs" / "add-a-unit.md").read_text(encoding="utf-8")):
        if name:
            (place / name).write_text(body, encoding="utf-8")
    generator = np.random.default_rng(0)
    octets = generator.integers(1, 256, (128, 4)) * (generator.random((128, 4)) < 0.4)
    np.save(place / "a.npy", octets.astype(np.uint8).view(np.uint32).ravel())
    np.save(place / "zeros.npy", np.zeros(128, np.uint32))
    return place


def dots(example: Path, block: int, **settings: int) -> dict[str, Any]:
    chosen = [f"multipliers.{name}={value}" for name, value in settings.items()]
    arrays = {"a": "a.npy", "out": "zeros.npy"}
    return launched(example, isa=["sdot.py"], program="dots.dasm", block=block, arrays=arrays, settings=chosen)


def test_results_and_counters_are_those_of_numpy(example: Path) -> None:
    found = dots(example, 128)
    octets = np.load(example / "a.npy").view(np.uint8).reshape(128, 4).astype(np.uint32)
    assert np.load(example / "out.out.npy").tolist() == (64 * (octets**2).sum(axis=1)).tolist()
    products = int(np.count_nonzero(octets))
    assert found["counters"]["products"] == 64 * products
    assert found["counters"]["spared"] == 64 * (4 * 128 - products)
    assert found["bounds"]["SDOT multipliers"] == pytest.approx(64 * products / 32 / 320)


def test_the_cost_function_decides_how_long_it_takes(example: Path) -> None:
    octets = np.load(example / "a.npy").view(np.uint8)[: 32 * 4]
    products = int(np.count_nonzero(octets))
    slow, fast = dots(example, 32, width=1), dots(example, 32, width=2)
    # One warp, each product behind the one before: every SDOT takes its products over the width.
    assert slow["cycles"] - fast["cycles"] == 64 * (products - -(-products // 2))
    assert slow["stalls"]["multipliers"] > 0.8 * 64 * products
    assert fast["stalls"]["multipliers"] < slow["stalls"]["multipliers"]


PARTS = """
.kernel parts
.param .ptr.u32 a
.param .ptr.u32 out
.reg lane, size, x, sum, other
.reg.64 at
    S2R lane, SR_TID.X
    MOV size, 4
    IMAD.WIDE.U32 at, lane, size, a
    LDG.E x, [at]
    ISETP.LT.U32.AND P0, PT, lane, 11, PT
    MOV sum, 0
    SDOT.U8 sum, x, x, sum
    @P0 SDOT.U8 sum, x, x, sum
    SDOT.U8 sum, x, x, sum
    @!P0 SDOT.U8 sum, x, x, sum
    IMAD.WIDE.U32 at, lane, size, out
    STG.E [at], sum
    EXIT
.endkernel
"""


def test_a_cost_function_sees_the_lanes_of_its_own_instruction(example: Path) -> None:
    (example / "parts.dasm").write_text(PARTS, encoding="utf-8")
    arrays = {"a": "a.npy", "out": "zeros.npy"}
    found = launched(example, isa=["sdot.py"], program="parts.dasm", block=32, arrays=arrays)
    made = int(np.count_nonzero(np.load(example / "a.npy").view(np.uint8)[: 4 * 32]))
    assert found["counters"]["products"] == 3 * made
    assert found["counters"]["spared"] == 3 * (4 * 32 - made)


def test_the_order_of_files_decides_the_numbers_and_the_code(example: Path) -> None:
    text = (example / "sdot.py").read_text(encoding="utf-8")
    other = text.replace("0x2F3", "0x2F4").replace("SDOT", "SDAT").replace('"multipliers"', '"adders"')
    other = other.replace('"products"', '"terms"').replace('"spared"', '"saved"').replace('"made"', '"done"')
    other = other.replace("counters.products", "counters.terms").replace("counters.spared", "counters.saved")
    other = other.replace("warp.made", "warp.done").replace('counters["products"]', 'counters["terms"]')
    (example / "sdat.py").write_text(other.replace('"sdot"', '"sdat"'), encoding="utf-8")
    arrays = {"a": "a.npy", "out": "zeros.npy"}
    for order in (["sdot.py", "sdat.py"], ["sdat.py", "sdot.py"]):
        found = launched(example, isa=order, program="parts.dasm", block=32, arrays=arrays)
        assert found["counters"]["products"] > 0 == found["counters"]["terms"]


SECOND = {
    "OHMMA": "XHMMA",
    "SPWMMA": "XPWMMA",
    "accumulation_buffer": "second_buffer",
    "accumulation": "second_accumulation",
    "tensor_scoreboard": "second_scoreboard",
    "merged": "joined",
    "step": "stage",
    "ohmma": "second_ohmma",
    "fills": "second_fills",
    "spills": "second_spills",
}
OPCODES = {"0x1A0": "0x0E0", "0x1A1": "0x0E1", "0x1A2": "0x0E2", "0x1A5": "0x0E3", "0x1A6": "0x0E4"}
OPCODES |= {"0x1A7": "0x0E5", "0x1AA": "0x0E6", "0x1AB": "0x0E7", "0x1AC": "0x0E8"}

KERNEL = """
.kernel products
.param .ptr.u32 data
.param .ptr.f32 out
.block 64
.reg lane, size, index, x[48], bits[2], of_b, odd
.reg.64 at
.reg acc[64]
    S2R lane, SR_TID.X
    MOV size, 4
    IMAD.WIDE.U32 at, lane, size, data
.for i, 0, 48
    LDG.E x[i], [at + 256 * i]
.endfor
    LDG.E bits[0], [at + 256 * 48]
    LDG.E bits[1], [at + 256 * 49]
    LDG.E of_b, [at + 256 * 50]
.for i, 0, 64
    MOV acc[i], 0
.endfor
.for i, 0, 6
    SPWMMA.643232.F32.PACKED acc[0], x[0], x[32], bits[0], of_b
    OHMMA.8161.F32 acc[0], x[0].H0, x[1].H1, i % 4, i % 2
    BOHMMA.32321 odd, PR, of_b, bits[0], i, i + 3
    OHMMA.8161.F32 acc[32], x[2].H0, x[3].H0, odd, i % 4, i % 2
    @P0 OHMMA.8161.F32 acc[32], x[4].H0, x[5].H0, odd, i % 4, 0
.endfor
    IMAD.WIDE.U32 at, lane, size, out
.for i, 0, 64
    STG.E [at + 256 * i], acc[i]
.endfor
    EXIT
.endkernel
"""


def renamed(text: str) -> str:
    """The outer-product unit's text under other names, so that it is another unit."""
    for old, new in {**SECOND, **OPCODES}.items():
        text = re.sub(rf"(?<![A-Za-z]){re.escape(old)}" if old.islower() else re.escape(old), new, text)
    return text


@pytest.mark.slow
def test_the_outer_product_unit_taken_out_of_the_package_costs_the_same(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "dstc_isa" / "units" / "outer", tmp_path / "second", ignore=shutil.ignore_patterns("__*__"))
    shutil.copy(ROOT / "dstc_isa" / "units" / "outer" / "__init__.py", tmp_path / "second")
    for path in (tmp_path / "second").glob("*.py"):
        path.write_text(renamed(path.read_text(encoding="utf-8")), encoding="utf-8")
    tables = (ROOT / "dstc_isa" / "gpu" / "files" / "v100.toml").read_text(encoding="utf-8")
    sections = re.findall(
        r"^\[(?:pipes\.(?:OHMMA|BOHMMA|SPWMMA)|accumulation_buffer)\]\n(?:[^\[].*\n|\n)*", tables, re.M
    )
    (tmp_path / "second.toml").write_text(renamed('extends = "v100-dstc"\n' + "".join(sections)), encoding="utf-8")
    generator = np.random.default_rng(3)
    words = generator.integers(0, 2**32, (51, 64), np.uint32)
    words[:48] = generator.integers(-4, 5, (48, 128)).astype(np.float16).view(np.uint32).reshape(48, 64)
    words[48:] &= generator.integers(0, 2**32, (3, 64), np.uint32)
    np.save(tmp_path / "data.npy", words)
    np.save(tmp_path / "out.npy", np.zeros((64, 64), np.float32))
    found = []
    for name, text, isa, gpu in (
        ("first.dasm", KERNEL, [], "v100-dstc"),
        ("second.dasm", renamed(KERNEL), ["second"], "second.toml"),
    ):
        (tmp_path / name).write_text(text, encoding="utf-8")
        arrays = {"data": "data.npy", "out": "out.npy"}
        run = launched(tmp_path, isa=isa, gpu=gpu, program=name, block=64, arrays=arrays)
        counted = {name: count for name, count in {**run["stalls"], **run["counters"]}.items() if count}
        original = {new: old for old, new in SECOND.items()}
        counted = {original.get(name, name.replace("joined", "merged")): count for name, count in counted.items()}
        counted = {name.replace("second_", ""): count for name, count in counted.items()}
        found.append((run["cycles"], run["slots"], counted, np.load(tmp_path / "out.out.npy").tobytes()))
    assert found[0] == found[1]
    assert found[0][2]["merged_rows"] > 0
