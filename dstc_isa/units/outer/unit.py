"""The units of the outer-product tensor core, and the accumulation buffer that they share."""

from collections.abc import Mapping

from dstc_isa.isa.unit import Block, Cell, Number, StallReason, Unit, Values, Word

GROUP_ROWS = 8
GROUP_COLUMNS = 16
"""Rows and columns of the products that the hardware makes at once."""

LONGEST = 32
"""Steps of the longest sequenced outer product."""

BANKS, TILES = 32, 16
NO_TILE = -1


def bank_cycles(counters: Mapping[str, int], parameters: Values) -> float:
    """Cycles that the buffer's banks need for the rows that were added to, spread evenly."""
    rows: int = counters["merged_rows"]
    return rows * parameters["bank_cycles"] / parameters["banks"]  # type: ignore[no-any-return]


BUFFER = Block(
    "accumulation_buffer",
    "accumulation buffer",
    "The accumulation buffer of a sub-core's outer-product tensor core.",
    parameters={
        "banks": Number(
            "banks, each a row of 32 FP32 words wide; row r is in bank r mod banks", 1, BANKS, "", power_of_two=True
        ),
        "bank_cycles": Number("that a bank takes to add to one row", 1, 64),
        "window": Number(
            "that a bank may be behind before the tensor port waits: depth of the operand collector", 0, 64
        ),
        "tiles": Number("of 32x32 FP32 that are resident", 1, TILES, "tiles"),
        "fill_cycles": Number("to bring a tile in from the registers", 0, 10_000),
        "spill_cycles": Number("to write one back", 0, 10_000),
        "skipped": Word("what an outer product costs whose guard is false: none, or an issue slot", ("none", "slot")),
    },
    state={
        "last_tile": Cell("place of the tile used last"),
        "tile_clock": Cell("counts uses"),
        "bank_free": Cell("cycle from which each bank is idle", BANKS),
        "tile": Cell("which tile is in each place", TILES, NO_TILE),
        "tile_used": Cell("when it was used last", TILES),
    },
    counters={
        "ohmma": "outer products that executed",
        "merged_rows": "accumulator rows they added to",
        "accumulation_stalls": "cycles the tensor pipe waited for the accumulation buffer",
        "fills": "tiles brought into the accumulation buffer",
        "spills": "tiles written back from it",
    },
    bound=bank_cycles,
    holds=StallReason(
        "accumulation",
        "the accumulation buffer is behind: bank conflicts, or a tile is filled or spilled",
        "the accumulation buffer",
        "let consecutive outer products meet other rows or another tile of the accumulation buffer",
    ),
    awaits=StallReason(
        "tensor_scoreboard",
        "waits until the accumulation buffer has written its tile back",
        "tiles of the accumulation buffer",
    ),
)


OHMMA = Unit(
    "OHMMA",
    "outer-product tensor core",
    state={"merged": Cell("accumulator rows that it adds to, as a mask")},
    block=BUFFER,
    vanishes=("skipped", "none"),
    floats=True,
)
BOHMMA = Unit("BOHMMA", "binary outer product")
SPWMMA = Unit(
    "SPWMMA",
    "sequenced outer product",
    reads_late=True,
    state={
        "steps": Cell("steps"),
        "step_rows": Cell("per step the rows it adds to, as a mask", LONGEST),
        "step_columns": Cell("and to how many columns", LONGEST),
    },
    block=BUFFER,
    vanishes=("skipped", "none"),
    floats=True,
    compiled=f"{__package__}.compiled",
)
