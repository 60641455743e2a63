#!/bin/sh
# nvdisasm prints every NaN immediate of sm_70 code as +QNAN or -QNAN, signalling ones too, whatever the payload: instructions with
# different bits have one text, and a listing cannot be assembled to what it was made of. ptxas writes several, such as 0x7fffffff and
# 0xfff00000 in FSEL. All other floating-point immediates are printed with digits enough to give their bits back; a NaN could be printed
# in hexadecimal, as integer immediates are.
#
# Seen with nvdisasm 12.4.99 of triton 3.1.0, on x86-64: FSEL with 0x7fc00000, 0x7fffffff and 0x7f800001 is "FSEL R8, R12, +QNAN , P0" three times.
set -eu
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
python3 -m venv "$directory/venv"
"$directory/venv/bin/pip" install -q --no-deps triton==3.1.0
nvdisasm=$("$directory/venv/bin/python" -c 'import importlib.metadata as m; print(m.distribution("triton").locate_file("triton/backends/nvidia/bin/nvdisasm"))')
"$directory/venv/bin/python" - "$directory/words.bin" <<'PYTHON'
import sys

FSEL = 0x000FE20000000000000000000C087808
with open(sys.argv[1], "wb") as file:
    file.writelines((FSEL | number << 32).to_bytes(16, "little") for number in (0x7FC00000, 0x7FFFFFFF, 0x7F800001))
PYTHON
"$nvdisasm" --version | tail -1
"$nvdisasm" -b SM70 "$directory/words.bin" | tee "$directory/listing"
test "$(sed -n 's/.*FSEL/FSEL/p' "$directory/listing" | wc -l)" = 3
test "$(sed -n 's/.*FSEL/FSEL/p' "$directory/listing" | sort -u | wc -l)" = 1
