"""Tables of the oracle: text with tabs, a heading line, compressed, the same bytes for the same rows."""

import lzma
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

HERE = Path(__file__).parent


def rows_of(path: Path) -> Iterator[tuple[str, ...]]:
    """The rows of a table, without its heading."""
    with lzma.open(path, "rt", encoding="utf-8") as file:
        next(file)
        for line in file:
            yield tuple(line.rstrip("\n").split("\t"))


def text_of(heading: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table as text."""
    return "".join("\t".join(row) + "\n" for row in (heading, *rows))


def write(path: Path, text: str) -> None:
    """Writes a table."""
    path.write_bytes(lzma.compress(text.encode(), preset=9 | lzma.PRESET_EXTREME))


def read(path: Path) -> str:
    """A table as text; empty if there is none."""
    return lzma.decompress(path.read_bytes()).decode() if path.exists() else ""
