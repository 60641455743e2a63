#!/bin/sh
# Of two loads from shared memory that one instruction uses, ptxas gives a scoreboard to the second only: sm_70 code waits for the last
# load of a run and takes the earlier ones as done, since they come back in order. Whoever reads control codes by the rule that every
# load names the scoreboard of its own (bits 110 to 112; 7 is none) finds a hazard in correct code.
#
# Seen with ptxas 12.9.86 and nvdisasm 12.4.99 of triton 3.1.0, on x86-64: the first LDS has 7, the second one scoreboard, for which the FADD waits.
set -eu
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
python3 -m venv "$directory/venv"
"$directory/venv/bin/pip" install -q --no-deps nvidia-cuda-nvcc-cu12==12.9.86 triton==3.1.0
cat > "$directory/k.ptx" <<'PTX'
.version 7.0
.target sm_70
.address_size 64
.visible .entry k(.param .u64 out)
{
    .reg .u32 %r<4>;
    .reg .f32 %f<4>;
    .reg .u64 %d<3>;
    .shared .align 4 .f32 values[512];
    ld.param.u64 %d1, [out];
    mov.u32 %r1, %tid.x;
    shl.b32 %r2, %r1, 2;
    mov.u32 %r3, values;
    add.u32 %r2, %r2, %r3;
    bar.sync 0;
    ld.shared.f32 %f1, [%r2];
    ld.shared.f32 %f2, [%r2+512];
    add.f32 %f3, %f1, %f2;
    st.shared.f32 [%r2], %f3;
    bar.sync 0;
    ld.shared.f32 %f1, [%r2+64];
    cvta.to.global.u64 %d1, %d1;
    mul.wide.u32 %d2, %r1, 4;
    add.u64 %d1, %d1, %d2;
    st.global.f32 [%d1], %f1;
    ret;
}
PTX
"$directory/venv/bin/python" - "$directory" <<'PYTHON'
import importlib.metadata
import re
import subprocess
import sys

folder = sys.argv[1]


def tool(package: str, path: str) -> str:
    place = importlib.metadata.distribution(package).locate_file(path)
    place.chmod(0o755)
    return str(place)


ptxas = tool("nvidia-cuda-nvcc-cu12", "nvidia/cuda_nvcc/bin/ptxas")
nvdisasm = tool("triton", "triton/backends/nvidia/bin/nvdisasm")
subprocess.run([ptxas, "-arch=sm_70", f"{folder}/k.ptx", "-o", f"{folder}/k.cubin"], check=True)
listing = subprocess.run([nvdisasm, "-hex", f"{folder}/k.cubin"], check=True, capture_output=True, text=True).stdout
lines = re.findall(r"/\*[0-9a-f]{4}\*/\s+(.*?);\s+/\* 0x([0-9a-f]{16}) \*/\s+/\* 0x([0-9a-f]{16}) \*/", listing)
code = [(text.strip(), int(high, 16) << 64 | int(low, 16)) for text, low, high in lines]
at = next(i for i, (text, _) in enumerate(code) if text.startswith("LDS"))
loads = [(text, word >> 110 & 7) for text, word in code[at:] if text.startswith("LDS")][:2]
text, word = next(each for each in code[at:] if each[0].startswith("FADD"))
print(*loads, (text, bin(word >> 116 & 63)), sep="\n")
assert loads[0][1] == 7, "the first load has a scoreboard"
assert loads[1][1] < 6, "the second one has none"
assert word >> 116 & 63 == 1 << loads[1][1], "the addition waits for something else"
PYTHON
