"""Runs what a document shows: ```asm blocks are files, ```console blocks commands and what they print.

Behind what a command that fails prints stands ``[exit status N]``. Lines ``...`` stand for others.

``python tests/docs/console.py FILE.md`` puts what the commands print now into the document. A block ```console slow
takes long, and is run so alone.
"""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BLOCK = re.compile(r"^```(\w+)(?: (\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
TIMING = re.compile(
    r"(?<= warp instructions in ).*|^ +[\d,.]+.* warp instructions/s$|^[\d.]+ s in all,|(?<=, )[\d.]+ s$", re.MULTILINE
)
COMPILING = re.compile(r"^(compiling .* for this CPU,|compiled in) .*\n", re.MULTILINE)
SECONDS = 900
"""After which a command hangs."""
REST = "...\n"
SLOW = "slow"


def masked(text: str) -> str:
    """The text without what differs from run to run."""
    return TIMING.sub("-", text)


def same(printed: str, shown: str) -> bool:
    """Whether a command prints what is shown of it: all, or lines with others between."""
    lines = masked(shown).splitlines(keepends=True)
    pattern = "".join("(?:.*\n)*?" if line == REST else re.escape(line) for line in lines)
    return re.fullmatch(pattern, masked(printed)) is not None


def run(command: str, directory: Path) -> str:
    """What a shell command prints on both streams, without the directory's name and spaces at ends of lines.

    A status other than 0 of any part of a pipeline is told on a line behind it.
    """
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command],
        cwd=directory,
        env={**os.environ, "PATH": path, "NO_COLOR": "1", "COLUMNS": "120", "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    output = COMPILING.sub("", done.stdout.replace(f"{directory.resolve()}/", ""))
    failure = f"[exit status {done.returncode}]\n" if done.returncode else ""
    return "".join(f"{line.rstrip()}\n" for line in output.splitlines()) + failure


def executed(document: str, directory: Path, *, slow: bool = False) -> str:
    """The document with what its commands print in ``directory``, where timings and the like do not count.

    ``slow``: those of slow blocks too.
    """

    def block(match: re.Match[str]) -> str:
        kind, name, body = match.groups()
        if kind == "console" and name == SLOW and not slow:
            return match[0]
        if kind == "console":
            shown = "".join(map(command, re.findall(r"^\$ .*\n(?:(?!\$ ).*\n)*", body, re.MULTILINE)))
            return match[0].replace(body, shown)
        if name:
            (directory / name).write_text(body, encoding="utf-8")
        return match[0]

    def command(shown: str) -> str:
        line, _, output = shown.partition("\n")
        printed = run(line.removeprefix("$ "), directory)
        return shown if same(printed, output) else f"{line}\n{printed}"

    return BLOCK.sub(block, document)


if __name__ == "__main__":
    for file in map(Path, sys.argv[1:]):
        with tempfile.TemporaryDirectory() as place:
            (Path(place) / "examples").symlink_to(ROOT / "examples")
            file.write_text(executed(file.read_text(encoding="utf-8"), Path(place), slow=True), encoding="utf-8")
