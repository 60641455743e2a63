"""Pictures as files: drawn with Matplotlib, if it is there, as PNG for screens and as SVG for papers."""

import io
from pathlib import Path
from typing import TYPE_CHECKING

from dstc_isa.errors import DstcError
from dstc_isa.whole_file import write_whole

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FORMATS = ("png", "svg")
DOTS_PER_INCH = 130


class PlotError(DstcError):
    """Pictures cannot be drawn; the message says how to mend it."""


def picture_files(name: str) -> tuple[str, ...]:
    """The names of the files that a picture is written to."""
    return tuple(f"{name}.{each}" for each in FORMATS)


def check_library() -> None:
    """Raise PlotError if there is no Matplotlib."""
    try:
        import matplotlib  # noqa: F401 - whether it is there
    except ImportError as error:
        raise PlotError(f"no Matplotlib ({error}): pip install matplotlib, or the extra [plot]") from None


def save_figure(figure: "Figure", directory: Path, name: str) -> list[Path]:
    """Write a picture to a file of each format, whole or not at all; returns the files.

    The same picture gives the same bytes. Raises OSError for a file that cannot be written.
    """
    import matplotlib

    files = []
    for kind, file in zip(FORMATS, picture_files(name), strict=True):
        data = io.BytesIO()
        # An SVG has a date and random names otherwise.
        with matplotlib.rc_context({"svg.hashsalt": name}):
            figure.savefig(data, format=kind, dpi=DOTS_PER_INCH, metadata={"Date": None} if kind == "svg" else None)
        write_whole(directory / file, data.getvalue(), durable=True)
        files.append(directory / file)
    return files
