"""docs/gpu.md tells the sources as the schema does, and its example is a GPU."""

import re
from pathlib import Path

from dstc_isa.gpu import load_gpu
from dstc_isa.gpu.schema import SOURCES
from dstc_isa.units.outer.unit import BUFFER

TEXT = (Path(__file__).parents[2] / "docs" / "gpu.md").read_text(encoding="utf-8")


def test_sources() -> None:
    rows = re.findall(r"^\| ([A-Z]+) \| (.*) \|$", TEXT, re.MULTILINE)
    assert dict(rows) == SOURCES


def test_the_example_loads(tmp_path: Path) -> None:
    (example,) = re.findall(r"```toml\n(.*?)```", TEXT, re.DOTALL)
    (tmp_path / "mine.toml").write_text(example)
    gpu = load_gpu(str(tmp_path / "mine.toml"))
    assert (gpu.sm.count, gpu.blocks[BUFFER]["banks"]) == (40, 4)
