#!/bin/sh
# A task that poethepoet runs as part of a `parallel` task has PYTHONIOENCODING=utf-8 in its environment, which it has neither alone nor
# in a `sequence`. A Python program below it therefore writes UTF-8 whatever the locale is, and a test of what happens to text that the
# encoding lacks passes alone and in a sequence and fails in parallel.
#
# Seen with poethepoet 0.49.0, Python 3.11, on x86-64 Linux, in a C locale without UTF-8 mode:
#   alone and in a sequence: standard output is ascii and PYTHONIOENCODING is not set
#   in parallel: standard output is utf-8 and PYTHONIOENCODING is utf-8
set -eu
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
python3 -m venv "$directory/venv"
"$directory/venv/bin/pip" install -q poethepoet==0.49.0
cd "$directory"
cat > show.py <<'PYTHON'
import os
import sys

print(f"{sys.stdout.encoding.lower()} {os.environ.get('PYTHONIOENCODING')}")
PYTHON
cat > pyproject.toml <<'TOML'
[tool.poe]
executor = { type = "simple" }

[tool.poe.tasks]
show = "python show.py"
in_sequence = { sequence = ["show"] }
in_parallel = { parallel = ["show"] }
TOML
PATH="$directory/venv/bin:$PATH"
unset PYTHONIOENCODING
export LC_ALL=C PYTHONUTF8=0 PYTHONCOERCECLOCALE=0
python -c 'import sys; print("Python", sys.version.split()[0])'
alone=$(poe -q show)
sequence=$(poe -q in_sequence)
parallel=$(poe -q in_parallel | sed 's/^show | //')
printf 'alone:       %s\nin sequence: %s\nin parallel: %s\n' "$alone" "$sequence" "$parallel"
case $alone in ascii*None | ansi_x3.4-1968*None) ;; *) echo "alone it is not ASCII" >&2; exit 1 ;; esac
[ "$sequence" = "$alone" ] || { echo "a sequence differs" >&2; exit 1; }
[ "$parallel" = "utf-8 utf-8" ] || { echo "in parallel the encoding is left alone now" >&2; exit 1; }
