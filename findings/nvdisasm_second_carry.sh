#!/bin/sh
# nvdisasm prints two instructions of sm_70 as one text: IADD3 has two predicates for the carries of its three-operand sum, and each of them
# is left out where it is PT, so that a sum with the first carry in P0 and one with the second carry in P0 are both
# "IADD3 R8, P0, R12, R16, R20". What the second one writes to P0 is whether the carry is two, which is something else. LEA.HI and
# other instructions with optional predicates have one each, where leaving it out loses nothing. Whoever reassembles a listing gets the first.
#
# Seen with nvdisasm 12.4.99 of triton 3.1.0, on x86-64.
set -eu
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
python3 -m venv "$directory/venv"
"$directory/venv/bin/pip" install -q --no-deps triton==3.1.0
nvdisasm=$("$directory/venv/bin/python" -c 'import importlib.metadata as m; print(m.distribution("triton").locate_file("triton/backends/nvidia/bin/nvdisasm"))')
"$directory/venv/bin/python" - "$directory/words.bin" <<'PYTHON'
import sys

PT, P0 = 7, 0
IADD3 = 0x000FE20007800014000000100C087210 & ~(0x3F << 81)
with open(sys.argv[1], "wb") as file:
    for first, second in ((P0, PT), (PT, P0), (P0, P0)):
        file.write((IADD3 | first << 81 | second << 84).to_bytes(16, "little"))
PYTHON
"$nvdisasm" --version | tail -1
"$nvdisasm" -b SM70 "$directory/words.bin" | grep -o 'IADD3[^;]*;' | tee "$directory/listing"
test "$(sed -n 1p "$directory/listing")" = "$(sed -n 2p "$directory/listing")"
test "$(sed -n 1p "$directory/listing")" != "$(sed -n 3p "$directory/listing")"
