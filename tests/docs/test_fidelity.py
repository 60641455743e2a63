"""The facts in docs/fidelity.md that can be looked up or measured."""

import re
from collections.abc import Callable
from functools import cache

import numpy as np
import numpy.typing as npt
import pytest

from dstc_isa.isa.lanes import LANES
from dstc_isa.isa.volta import VOLTA
from dstc_isa.isa.volta.float import Special, mufu
from tests.docs.console import ROOT
from tests.isa.published_opcodes import PUBLISHED

Doubles = npt.NDArray[np.float64]
BATCHES = 2000
EXACT: dict[str, Callable[[Doubles], Doubles]] = {
    "RCP": lambda x: 1 / x,
    "RSQ": lambda x: 1 / np.sqrt(x),
    "EX2": np.exp2,
    "LG2": np.log2,
}


@cache
def text() -> str:
    return (ROOT / "docs" / "fidelity.md").read_text(encoding="utf-8")


def between(mark: str) -> str:
    found = re.search(rf"<!-- {mark} -->\n(.*?)<!-- end -->", text(), re.DOTALL)
    assert found
    return found[1]


def test_own_opcodes() -> None:
    listed = re.findall(r"^\| ([A-Z][\w.]*)[^|]*\| (0x\w+) \|$", between("own"), re.MULTILINE)
    assert sorted(listed) == sorted((d.mnemonic, f"0x{d.opcode:03x}") for d in VOLTA.declarations if not d.public)


def test_opcodes_that_the_published_list_lacks() -> None:
    assert between("unlisted").split() == sorted(
        {d.mnemonic for d in VOLTA.declarations if d.public and d.mnemonic not in PUBLISHED}
    )


def arguments(function: str) -> npt.NDArray[np.float32]:
    """Batches of lanes: all magnitudes, and where the result is small or large."""
    random = np.random.default_rng(0)
    size = (BATCHES // 2, LANES)
    spread = random.integers(0, 2**32, size, np.uint32).view(np.float32)
    near = random.uniform(-126, 128, size) if function == "EX2" else 1 + random.uniform(-0.3, 0.4, size)
    return np.concatenate([spread, near.astype(np.float32)])


@pytest.mark.parametrize("function", list(EXACT))
def test_mufu_is_as_accurate_as_stated(function: str) -> None:
    row = re.search(rf"^\| MUFU\.{function} \| ([\d.]+) \|", text(), re.MULTILINE)
    assert row
    x = arguments(function)
    with np.errstate(all="ignore"):
        got = np.array([mufu(lanes, Special[function]) for lanes in x]).astype(np.float64)
        exact = EXACT[function](x.astype(np.float64))
        rounded = exact.astype(np.float32)
        counted = np.isfinite(rounded) & (rounded != 0)
        error = np.abs(got - exact) / np.spacing(np.abs(rounded)).astype(np.float64)
    assert counted.sum() > LANES * BATCHES / 4
    assert error[counted].max() <= float(row[1])
