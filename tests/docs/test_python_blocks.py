"""Every piece of Python that the pages show runs as it stands, with the arrays and files that it speaks of."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.docs.console import ROOT
from tests.network.models import small_network

pytestmark = pytest.mark.engine

BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
PAGES = {
    path: BLOCK.findall(path.read_text(encoding="utf-8"))
    for path in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
}
EXAMPLES = [
    pytest.param(text, id=f"{path.stem}-{number}")
    for path, texts in sorted(PAGES.items())
    if path.stem != "python" and "isa" not in path.parent.name
    for number, text in enumerate(texts)
]
GIVEN = """
import numpy as np
import dstc_isa
rng = np.random.default_rng(0)
a, b, x, w = (rng.integers(-2, 3, shape) for shape in ((32, 32), (32, 32), (1, 4, 8, 8), (6, 4, 3, 3)))
bias = rng.integers(-2, 3, 6)
"""
OF_LAYERS = """
w1, w2, w3 = (rng.integers(-2, 3, shape) for shape in ((8, 4, 3, 3), (8, 8, 3, 3), (4, 8, 1, 1)))
b1, s, o = (rng.integers(1, 3, 8) for _ in range(3))
"""
OF_GROUPS = """
w, bias = rng.integers(-2, 3, (6, 2, 3, 3)), rng.integers(-2, 3, 6)
"""


@pytest.mark.parametrize("text", EXAMPLES)
def test_an_example_runs(text: str, tmp_path: Path) -> None:
    (tmp_path / "net.onnx").write_bytes(small_network().SerializeToString())
    np.save(tmp_path / "image.npy", np.random.default_rng(0).random((1, 2, 8, 8), np.float32))
    given = GIVEN + (OF_LAYERS if "w1" in text else "") + (OF_GROUPS if "groups=2" in text else "")
    # Sizes as a page has them are for its reader.
    (tmp_path / "example.py").write_text(given + text.replace("1024, 1024, 1024", "128, 128, 128"))
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-W", "error", "example.py"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_there_are_examples_on_several_pages() -> None:
    assert len(EXAMPLES) >= 6
