"""Model of HMMA.SP.888: every row of A with the depth of each kept value, B put together from two quad pairs."""

from dstc_isa.isa.instruction import Instruction
from tests.models.numbers import F16, F32, fused, number
from tests.models.state import LANES, Operands, State, warp_model
from tests.models.tensor import half, place_c


@warp_model("hmma_sp")
def hmma_sp(instruction: Instruction, state: State) -> None:
    x = Operands(instruction, state, 0)
    step = int(str(x.step).removeprefix("STEP"))
    rd, ra, rb, rc, re = (x.first(name) for name in ("rd", "ra", "rb", "rc", "re"))
    results: dict[tuple[int, int], int] = {}
    for pair in range(4):
        kept: dict[int, list[tuple[int, int]]] = {}
        b: dict[tuple[int, int], int] = {}
        for lane in range(LANES):
            index = lane % 4 + 4 * (lane // 16)
            if lane % 16 // 4 == pair:
                byte = state.register(re, lane).to_bytes(4, "little")[x.part]
                depths = [4 * (i // 2) + (byte // 4**i) % 4 for i in range(4)]
                kept[index] = [(depth, half(state, ra, lane, i)) for i, depth in enumerate(depths)]
            if lane % 16 // 8 == pair // 2:
                for i in range(4):
                    b[index, 4 * (lane // 4 % 2) + i] = half(state, rb, lane, i)
        assert len(kept) == 8
        assert len(b) == 64
        for lane in range(LANES):
            if lane % 16 // 4 != pair:
                continue
            for offset in (0, 1):
                row, column = place_c(lane, 2 * step + offset)
                total = state.register(rc if rc == 255 else rc + offset, lane)
                for depth, value in kept[row]:
                    total = fused(number(value, F16), number(b[depth, column], F16), number(total, F32), F32)
                results[lane, offset] = total
    for (lane, offset), total in results.items():
        state.write(rd + offset, lane, total, rd)
