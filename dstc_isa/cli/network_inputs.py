"""``--input`` of ``dstc-emu network``: arrays for a network's inputs, which have any names, from files of any names."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dstc_isa.cli.arguments import array_from
from dstc_isa.errors import UsageError


def arrays_given(given: Sequence[str], names: Sequence[str]) -> dict[str, Any]:
    """Arrays by name of input, "" for one without; ``given``: ``NAME=FILE`` or ``FILE``, ``names``: of the inputs."""
    arrays: dict[str, Any] = {}
    for text in given:
        name, file = _reading(text, names)
        if name in arrays:
            raise UsageError(f"--input {name or text}: there is one already; with several, write NAME=X.npy for each")
        arrays[name] = array_from(file)
    return arrays


def _reading(text: str, names: Sequence[str]) -> tuple[str, Path]:
    """Name and file. Both may have equals signs: the longest name that there is counts, if its file is there."""
    readings = [(name, Path(text[len(name) + 1 :])) for name in names if text.startswith(f"{name}=")]
    readings.sort(key=lambda reading: len(reading[0]), reverse=True)
    whole = "", Path(text)
    for name, file in [*readings, whole]:
        if file.is_file():
            return name, file
    if text.endswith("=") and readings:
        raise UsageError(f"--input {text}: name a .npy file behind the =")
    if readings or "=" not in text:
        return readings[0] if readings else whole
    name = text.partition("=")[0]
    raise UsageError(
        f"--input {text}: no input is named {name}, and there is no file {text}; inputs: {', '.join(names)}"
    )
