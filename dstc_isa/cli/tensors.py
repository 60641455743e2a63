"""Arrays that a command reads from .npy, .npz and .safetensors files."""

import re
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dstc_isa.cli.arguments import InputError, array_from

HELP = ".npy, .npz or .safetensors; FILE:NAME picks one of several arrays"
PLACE = re.compile(r"(?P<path>.*\.(?:npz|safetensors)):(?P<name>.+)")
DAMAGES = {
    "toosmall": "the file is truncated: its header is not whole",
    "toolarge": "the file does not begin as a .safetensors file does",
    "invalidheaderlength": "the file is truncated, or does not begin as a .safetensors file does",
    "incomplete": "the file is truncated: its header tells of another size than it has",
    "inheader": "the file is damaged: its header cannot be read",
}
"""What the words of safetensors mean."""

SUFFIXES = (".npy", ".npz", ".safetensors")


def tensor_file(text: str | Path | None) -> str | None:
    """The file of ``FILE`` or ``FILE:NAME``."""
    found = None if text is None else PLACE.fullmatch(str(text))
    return found["path"] if found else None if text is None else str(text)


def load_tensor(text: str, usual: str) -> Any:
    """The array of a file, written ``FILE`` or, of one that holds several, ``FILE:NAME``.

    Without a name the file holds one array, or one of the ``usual`` name. Raises InputError.
    """
    from dstc_isa.array_files import ArrayFileError

    found = PLACE.fullmatch(text)
    path, name = (Path(found["path"]), found["name"]) if found else (Path(text), None)
    if path.suffix == ".npy":
        return array_from(path)
    if path.suffix not in SUFFIXES:
        raise InputError(f"{path}: expected a file name that ends in one of {', '.join(SUFFIXES)}")
    read = _from_npz if path.suffix == ".npz" else _from_safetensors
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return read(path, name, usual)
    except (InputError, MemoryError):
        raise
    except ArrayFileError as error:
        raise InputError(f"{path}: not a {path.suffix} file of arrays: {error}") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from None
    # Of safetensors, whose errors have names in place of sentences.
    except Exception as error:
        said = "".join(str(error).lower().split())
        reason = next((text for name, text in DAMAGES.items() if name in said), "the file is damaged")
        raise InputError(f"{path}: not a {path.suffix} file of arrays: {reason}") from None


def _from_npz(path: Path, name: str | None, usual: str) -> Any:
    from dstc_isa.array_files import npz_names, read_npz

    return read_npz(path, _chosen(path, npz_names(path), name, usual))


def _from_safetensors(path: Path, name: str | None, usual: str) -> Any:
    try:
        from safetensors import safe_open
    except ImportError:
        raise InputError(f"{path}: needs the package safetensors: pip install safetensors") from None
    with path.open("rb"), safe_open(path, framework="numpy") as file:
        chosen = _chosen(path, list(file.keys()), name, usual)
        kind = file.get_slice(chosen).get_dtype()
        if kind.startswith(("BF", "F8", "F4")):
            raise InputError(f"{path}: {chosen} is {kind}, which NumPy does not have; convert it to F16 or F32")
        return file.get_tensor(chosen)


def _chosen(path: Path, names: Sequence[str], name: str | None, usual: str) -> str:
    """The array that is meant."""
    wanted = name if name is not None else usual
    if wanted in names:
        return wanted
    if name is None and len(names) == 1:
        return names[0]
    if not names:
        raise InputError(f"{path}: there is no array in it")
    listed = ", ".join(names)
    if name is not None:
        raise InputError(f"{path}: no array {name} in it; there is {listed}")
    raise InputError(f"{path}: several arrays in it and none is {usual}: write {path}:NAME; there is {listed}")
