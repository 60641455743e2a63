#!/bin/sh
# nvdisasm leaves instructions out of a listing without a word: sm_70 words with one of the 12-bit opcodes 0x35a, 0x951, 0x95a and
# 0xb5a are neither printed nor refused, and the exit status is 0. With -hex only the encoding is left, in a comment that belongs to no
# address. A word that is no instruction should be refused, as that of the neighbour 0x35b is ("Unrecognized operation"): whoever reads
# the listing takes what is there for all that there is.
#
# Seen with nvdisasm 12.4.99 of triton 3.1.0, on x86-64: of MOV, a word with opcode 0x35a, MOV, it lists 0000 and 0020.
set -eu
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
python3 -m venv "$directory/venv"
"$directory/venv/bin/pip" install -q --no-deps triton==3.1.0
nvdisasm=$("$directory/venv/bin/python" -c 'import importlib.metadata as m; print(m.distribution("triton").locate_file("triton/backends/nvidia/bin/nvdisasm"))')
"$directory/venv/bin/python" - "$directory/words.bin" "$directory/other.bin" <<'PYTHON'
import sys

MOV, NEUTRAL = 0x000FC00000000F00000000FF00027202, 0x000FE200000000000000000000007000
for path, opcode in zip(sys.argv[1:], (0x35A, 0x35B)):
    with open(path, "wb") as file:
        file.writelines(word.to_bytes(16, "little") for word in (MOV, NEUTRAL | opcode, MOV))
PYTHON
"$nvdisasm" --version | tail -1
"$nvdisasm" -b SM70 "$directory/words.bin" | tee "$directory/listing"
test "$(grep -c MOV "$directory/listing")" = 2
test "$(grep -c '/\*00[0-9]0\*/' "$directory/listing")" = 2
! "$nvdisasm" -b SM70 "$directory/other.bin"
