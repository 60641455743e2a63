#!/bin/sh
# Fortran writes a real number's exponent with D for double precision, and without any letter where it has three digits
# (1.5D+01 is 15, 1.5-101 is 1.5e-101). scipy.io.mmread takes such numbers from a Matrix Market file without a word and
# leaves their exponents out: it stops at what it does not know and goes on with the next line. Files that Fortran
# programs wrote come out wrong by powers of ten; numpy.loadtxt refuses them, and float() does.
#
# Seen with scipy 1.17.1: 1.5D+01, 1.5d2 and 1.5-101 are all read as 1.5; 1.5E+01 is read as 15.
set -eu
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
python3 -m venv "$directory/venv"
"$directory/venv/bin/pip" install -q scipy==1.17.1
"$directory/venv/bin/python" - <<'PYTHON'
import io

import scipy
import scipy.io

print("scipy", scipy.__version__)
head = "%%MatrixMarket matrix coordinate real general\n1 1 1\n1 1 "
found = {}
for text in ("1.5E+01", "1.5D+01", "1.5d2", "1.5-101"):
    (found[text],) = scipy.io.mmread(io.BytesIO(f"{head}{text}\n".encode())).data
    print(text, "is read as", found[text])
assert found["1.5E+01"] == 15
assert found["1.5D+01"] == found["1.5d2"] == found["1.5-101"] == 1.5
PYTHON
