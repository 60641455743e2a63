from pathlib import Path

import numpy as np
import pytest

from dstc_isa.cli.arguments import InputError
from dstc_isa.cli.network_inputs import arrays_given
from dstc_isa.errors import UsageError


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("text", "files", "names", "name", "file"),
    [
        ("x.npy", ["x.npy"], ["x"], "", "x.npy"),
        ("x=run=3.npy", ["run=3.npy"], ["x"], "x", "run=3.npy"),
        ("x=run=3.npy", ["x=run=3.npy"], ["x"], "", "x=run=3.npy"),
        ("lr=0.1.npy", ["lr=0.1.npy"], ["x"], "", "lr=0.1.npy"),
        ("a=b=c.npy", ["b=c.npy", "c.npy"], ["a", "a=b"], "a=b", "c.npy"),
        ("a=b=c.npy", ["b=c.npy"], ["a", "a=b"], "a", "b=c.npy"),
        ("serving:x:0=x.npy", ["x.npy"], ["serving:x:0"], "serving:x:0", "x.npy"),
        ("/in/x=y=x.npy", ["x.npy"], ["/in/x=y"], "/in/x=y", "x.npy"),
    ],
)
def test_names_and_files_have_equals_signs(
    here: Path, text: str, files: list[str], names: list[str], name: str, file: str
) -> None:
    for number, each in enumerate(files):
        np.save(here / each, np.full(2, number))
    assert {key: int(array[0]) for key, array in arrays_given([text], names).items()} == {name: files.index(file)}


def test_what_cannot_be_read(here: Path) -> None:
    np.save("x.npy", np.ones(1))
    with pytest.raises(UsageError, match=r"--input z=x\.npy: no input is named z, and .*; inputs: x, y"):
        arrays_given(["z=x.npy"], ["x", "y"])
    with pytest.raises(UsageError, match="there is one already"):
        arrays_given(["x=x.npy", "x=x.npy"], ["x"])
    with pytest.raises(InputError, match=r"^a=b\.npy: cannot be read"):
        arrays_given(["x=a=b.npy"], ["x"])
