"""Latencies that differ by who uses a result: stall counts and hazards by hand."""

import pytest

from dstc_isa.assembler import assemble
from dstc_isa.gpu import GpuError, load_gpu
from dstc_isa.isa.volta import VOLTA

SETTINGS = ["pipes.ALU.to.FMA=7", "pipes.ALU.to.LSU=9", "pipes.ALU.to.guard=12", "pipes.FMA.to.ALU=6"]
GPU = load_gpu("v100-dstc", SETTINGS)


def stalls(*lines: str) -> list[int]:
    """The stall count of each line but the last."""
    assembly = assemble("\n".join([".kernel k", *lines, "EXIT", ".endkernel"]), gpu=GPU)
    assert assembly.program is not None
    return [VOLTA.word.control.decode(word).stall for word in assembly.program.kernels[0].words[: len(lines) - 1]]


@pytest.mark.parametrize(
    ("lines", "cycles"),
    [
        (["IADD3 R1, R2, R3, RZ", "IADD3 R4, R1, R1, RZ"], 4),
        (["IADD3 R1, R2, R3, RZ", "FADD R4, R1, R2"], 7),
        (["IADD3 R1, R2, R3, RZ", "STS [R1], R2"], 9),
        (["IADD3 R1, R2, R3, RZ", "STS [R2], R1"], 9),
        (["ISETP.LT.AND P0, PT, R1, R2, PT", "@P0 IADD3 R4, R1, R1, RZ"], 12),
        (["ISETP.LT.AND P0, PT, R1, R2, PT", "SEL R4, R1, R1, P0"], 4),
        (["ISETP.LT.AND P0, PT, R1, R2, PT", "@P0 BRA .+0x10"], 12),
        (["ISETP.LT.AND P0, PT, R1, R2, PT", "BRA P0, .+0x10"], 12),
        (["FADD R1, R2, R3", "IADD3 R4, R1, R1, RZ"], 6),
        (["FADD R1, R2, R3", "FADD R4, R1, R1"], 4),
        (["FADD R1, R2, R3", "IADD3 R1, R2, R2, RZ"], 3),
    ],
)
def test_cycles_between_two_instructions(lines: list[str], cycles: int) -> None:
    assert stalls(*lines) == [cycles]


def test_a_result_of_either_of_two_pipes_is_late_for_each_user_as_the_later_one_is() -> None:
    lines = [
        "@P0 BRA other",
        "FADD R1, R2, R3",
        "BRA both",
        "other: IADD3 R1, R2, R3, RZ",
        "both: NOP",
        "FADD R4, R1, R2",
    ]
    before = stalls(*lines)
    assert before[3] + before[4] == 7
    lines[-1] = "IADD3 R4, R1, R2, RZ"
    before = stalls(*lines)
    assert before[1] + before[2] + before[4] >= 6


@pytest.mark.parametrize(("key", "near"), [("pipes.ALU.to.FMO=3", "pipes.ALU.to.FMA"), ("pipes.ALU.to=3", "pipes.ALU")])
def test_a_user_that_there_is_not_is_refused(key: str, near: str) -> None:
    with pytest.raises(GpuError, match=near.replace(".", r"\.")):
        load_gpu("v100-dstc", [key])


def test_programs_for_other_latencies_are_told_apart() -> None:
    assert load_gpu("v100-dstc", SETTINGS[:1]).target.digest != load_gpu().target.digest
    assert str(load_gpu("v100-dstc", SETTINGS[:1]).target).startswith("v100-dstc pipes.ALU.to.FMA=7 [")
