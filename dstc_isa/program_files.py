"""Where the shipped ``.dasm`` programs lie: inside the installed package, or in the source tree."""

from pathlib import Path


def program_directory() -> Path:
    """The directory of the shipped programs; its ``include`` holds the macro libraries."""
    package = Path(__file__).resolve().parent
    installed = package / "programs"
    return installed if installed.is_dir() else package.parent / "programs"
