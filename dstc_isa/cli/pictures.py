"""Pictures of a study, which a command can do without."""

from collections.abc import Callable
from pathlib import Path

from dstc_isa.cli.terminal import say

NO_PLOTS = "draw no pictures, and do not say so if there is no Matplotlib"


def drawn_or_told(draw: Callable[[], list[Path]]) -> list[Path]:
    """Draw pictures; the files, or none without Matplotlib, which is said with how to get it."""
    from dstc_isa.studies.figure_files import PlotError

    try:
        return draw()
    except PlotError as error:
        say(f"dstc-emu: no picture is drawn: {error}; the same command then draws it")
        return []
