"""Models of the tensor instructions, written from the PTX fragment tables and the machine's description."""

from dstc_isa.isa.instruction import Instruction
from tests.models.numbers import F16, F32, fused, number
from tests.models.state import LANES, Operands, State, lane_model, warp_model

DIMENSION = 8
DEPTH = 4


def half(state: State, first: int, lane: int, i: int) -> int:
    """Element i of a lane's fragment of four halves."""
    register = first if first == 255 else first + i // 2
    return state.register(register, lane) >> 16 * (i % 2) & 0xFFFF


def place_a(layout: str, lane: int, i: int) -> tuple[int, int]:
    """Row and column of element i of A (PTX ISA, mma.m8n8k4, .f16)."""
    low = 0 if lane < 16 else 4
    return (lane % 4 + low, i) if layout == "ROW" else (i % 4 + low, lane % 4)


def place_b(layout: str, lane: int, i: int) -> tuple[int, int]:
    """Row and column of element i of B."""
    low = 0 if lane < 16 else 4
    return (lane % 4, i + low) if layout == "ROW" else (i, lane % 4 + low)


def place_c(lane: int, i: int) -> tuple[int, int]:
    """Row and column of element i of C and D in f32."""
    low = 0 if lane < 16 else 4
    return (lane & 1) + (i & 2) + low, (i & 4) + (lane & 2) + (i & 1)


@warp_model("hmma")
def hmma(instruction: Instruction, state: State) -> None:
    x = Operands(instruction, state, 0)
    step = int(str(x.product)[-1])
    rd, ra, rb, rc = (x.first(name) for name in ("rd", "ra", "rb", "rc"))
    layouts = x.operand("ra")[1].suffix, x.operand("rb")[1].suffix
    results: dict[tuple[int, int], int] = {}
    for pair in range(4):
        members = [lane for lane in range(LANES) if lane % 16 // 4 == pair]
        a, b = {}, {}
        for lane in members:
            for i in range(DEPTH):
                a[place_a(layouts[0], lane, i)] = number(half(state, ra, lane, i), F16)
                b[place_b(layouts[1], lane, i)] = number(half(state, rb, lane, i), F16)
        assert len(a) == len(b) == DIMENSION * DEPTH
        for lane in members:
            for offset in (0, 1):
                row, column = place_c(lane, 2 * step + offset)
                total = state.register(rc if rc == 255 else rc + offset, lane)
                for k in range(DEPTH):
                    total = fused(a[row, k], b[k, column], number(total, F32), F32)
                results[lane, offset] = total
    for (lane, offset), total in results.items():
        state.write(rd + offset, lane, total, rd)


@lane_model("bohmma")
def bohmma(x: Operands) -> int:
    return int(x.rb) if x.ra >> x.lane & 1 else 0


@warp_model("bohmma_step")
def bohmma_step(instruction: Instruction, state: State) -> None:
    x = Operands(instruction, state, 0)
    rows = Operands(instruction, state, x.step_a).ra
    columns = Operands(instruction, state, x.step_b).rb
    groups = [(q, h) for h in range(2) for q in range(4)]
    for predicate, (q, h) in enumerate(groups[:7]):
        exists = len(set_bits(rows)) > 8 * q and len(set_bits(columns)) > 16 * h
        state.predicates[predicate] = [exists] * LANES
    for lane in range(LANES):
        state.write(x.first("rd"), lane, columns if rows >> lane & 1 else 0)


def set_bits(word: int) -> list[int]:
    """Positions of the set bits of a 32-bit word."""
    return [position for position in range(32) if word >> position & 1]


@warp_model("spwmma_window")
def spwmma_window(instruction: Instruction, state: State) -> None:
    x = Operands(instruction, state, 0)
    accumulators = x.first("rd")

    def run(first: int) -> list[int]:
        places = [(h // 256 * 4 + h % 8 // 2, h % 256 // 8, h % 2) for h in range(1024)]
        return [state.register(first + register, lane) >> 16 * odd & 0xFFFF for register, lane, odd in places]

    run_a, run_b = run(x.first("ra")), run(x.first("rb"))
    of_a, of_b, starts = (
        [state.register(first, lane) for lane in range(LANES)]
        for first in (x.first("rm"), x.first("rw"), x.first("rw") + 1)
    )
    taken = 0
    for k in range(LANES):
        rows, columns = set_bits(of_a[k]), set_bits(of_b[k])
        for i, row in enumerate(rows):
            for j, column in enumerate(columns):
                accumulator = state.registers[accumulators + row]
                factors = number(run_a[taken + i], F16), number(run_b[(starts[k] + j) % 1024], F16)
                accumulator[column] = fused(*factors, number(accumulator[column], F32), F32)
        taken += len(rows)


def tall(
    instruction: Instruction,
    state: State,
    starts: list[int] | None,
    of_a: int = 2048,
    run_b: list[int] | None = None,
) -> None:
    """Sequenced products of 64 rows; ``starts``: where the values of B begin, one behind the other if None.

    ``of_a``: values of A's run. ``run_b``: B's, if not 1024 as loads leave them.
    """
    x = Operands(instruction, state, 0)

    def run(first: int, values: int) -> list[int]:
        """Halves in the order of 128-bit loads: a lane has 8 of them, in 4 registers."""
        found = []
        for half in range(values):
            load, within = divmod(half, 8 * LANES)
            lane, part = divmod(within, 8)
            found.append(state.register(first + 4 * load + part // 2, lane) >> 16 * (part % 2) & 0xFFFF)
        return found

    run_a = run(x.first("ra"), of_a)
    if run_b is None:
        run_b = run(x.first("rb"), 1024)
    bitmaps = x.first("rm"), x.first("rm") + 1, x.first("rw")
    of_steps = [[set_bits(state.register(register, k)) for register in bitmaps] for k in range(LANES)]
    from_a = from_b = 0
    for k, (low, high, columns) in enumerate(of_steps):
        start = from_b if starts is None else starts[k]
        for i, row in enumerate([*low, *(row + 32 for row in high)]):
            accumulator = state.registers[x.first("rd") + row]
            for j, column in enumerate(columns):
                factors = number(run_a[(from_a + i) % of_a], F16), number(run_b[(start + j) % len(run_b)], F16)
                accumulator[column] = fused(*factors, number(accumulator[column], F32), F32)
        from_a += len(low) + len(high)
        from_b += len(columns)


@warp_model("spwmma_packed")
def spwmma_packed(instruction: Instruction, state: State) -> None:
    tall(instruction, state, None)


@warp_model("spwmma_tall_window")
def spwmma_tall_window(instruction: Instruction, state: State) -> None:
    places = Operands(instruction, state, 0).first("rw") + 1
    tall(instruction, state, [state.register(places, lane) for lane in range(LANES)])


@warp_model("spwmma_wide_window")
def spwmma_wide_window(instruction: Instruction, state: State) -> None:
    x = Operands(instruction, state, 0)
    places = [state.register(x.first("rw") + 1, lane) for lane in range(LANES)]
    halves = [0] * 2048
    for step in range(LANES):
        for place in range(48):
            # Of a step, 32 are in the first 16 registers and 16 in the last 8.
            half = 32 * step + place if place < 32 else 1024 + 16 * step + place - 32
            load, within = divmod(half, 8 * LANES)
            lane, part = divmod(within, 8)
            word = state.register(x.first("rb") + 4 * load + part // 2, lane)
            halves[48 * step + place] = word >> 16 * (part % 2) & 0xFFFF
    tall(instruction, state, places, of_a=1024, run_b=halves)


@warp_model("spwmma_short_window")
def spwmma_short_window(instruction: Instruction, state: State) -> None:
    places = Operands(instruction, state, 0).first("rw") + 1
    tall(instruction, state, [state.register(places, lane) for lane in range(LANES)], of_a=1024)


def outer(
    instruction: Instruction, state: State, rows: list[int], columns: list[int], group_a: int, group_b: int
) -> None:
    """Multiply and add group by group where both the condensed row and the condensed column exist."""
    lanes = [Operands(instruction, state, lane) for lane in range(LANES)]
    a, b = [x.ra for x in lanes], [x.rb for x in lanes]
    first = lanes[0].first("rd")
    for i in range(8 * group_a, min(8 * group_a + 8, len(rows))):
        for j in range(16 * group_b, min(16 * group_b + 16, len(columns))):
            accumulator = state.registers[first + rows[i]]
            before = number(accumulator[columns[j]], F32)
            accumulator[columns[j]] = fused(number(a[i], F16), number(b[j], F16), before, F32)


@warp_model("ohmma")
def ohmma(instruction: Instruction, state: State) -> None:
    x = Operands(instruction, state, 0)
    bitmap = [Operands(instruction, state, lane).rm for lane in range(LANES)]
    rows = [lane for lane in range(LANES) if bitmap[lane]]
    columns = [c for c in range(LANES) if rows and bitmap[rows[0]] >> c & 1]
    outer(instruction, state, rows, columns, x.group_a, x.group_b)


@warp_model("ohmma_dense")
def ohmma_dense(instruction: Instruction, state: State) -> None:
    x = Operands(instruction, state, 0)
    outer(instruction, state, list(range(LANES)), list(range(LANES)), x.group_a, x.group_b)
