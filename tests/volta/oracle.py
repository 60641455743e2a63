"""Makes, or compares, the tables of what NVIDIA's tools say of sm_70 code.

``python -m tests.volta.oracle`` makes all tables again, with names only those; ``--check`` compares them with what the
tools say now, and writes nothing. Tests read the tables and need no tools. Exit status 1 if a table differs, 2 if the
tools are not installed; the message says how to install them.

  words    what ptxas makes of the sources in ``cuda/``, and how nvdisasm prints it
  fields   what each bit and field of each instruction does to the text
  random_words  random words, most of them near a valid one, and how nvdisasm prints them or that it refuses
"""

import argparse
import difflib
import sys
import time

from tests.volta import fields, random_words, vendor, words
from tests.volta.table import HERE, read, text_of, write

TABLES = {"words": words, "fields": fields, "random_words": random_words}
SHOWN = 20
"""Lines of a difference that are shown."""


def main(arguments: list[str] | None = None) -> int:
    """The command; its exit status."""
    parser = argparse.ArgumentParser(
        prog="oracle", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("tables", nargs="*", choices=[*TABLES, []], metavar="TABLE", help="tables to make, or all")
    parser.add_argument("--check", action="store_true", help="compare with the kept tables and write nothing")
    given = parser.parse_args(arguments)
    differing = 0
    try:
        for name in given.tables or TABLES:
            start = time.monotonic()
            module = TABLES[name]
            path = HERE / f"{name}.tsv.xz"
            text = text_of(module.HEADING, module.rows())
            print(f"{name}: {text.count(chr(10)) - 1} rows in {time.monotonic() - start:.0f} s")
            if given.check:
                differing += compared(path.name, read(path), text)
            else:
                write(path, text)
                print(f"{path.name}: {path.stat().st_size} bytes")
    except vendor.Unavailable as problem:
        print(problem, file=sys.stderr)
        return 2
    return 1 if differing else 0


def compared(name: str, kept: str, made: str) -> bool:
    """Whether two tables differ; shows where."""
    if kept == made:
        return False
    lines = difflib.unified_diff(kept.splitlines(), made.splitlines(), "kept", "made", lineterm="", n=0)
    shown = [line for _, line in zip(range(SHOWN), lines, strict=False)]
    print(f"{name} differs:", *shown, sep="\n")
    return True


if __name__ == "__main__":
    sys.exit(main())
