"""NOPs where more cycles must pass than a stall count holds: where they stand, and that nothing else changes."""

import pytest
from hypothesis import given, settings

from dstc_isa.assembler import assemble
from dstc_isa.gpu import Gpu, load_gpu
from dstc_isa.isa.codec import decode
from dstc_isa.isa.control import SCOREBOARDS
from dstc_isa.isa.volta import VOLTA
from dstc_isa.object import listing
from dstc_isa.program import Kernel, Program
from dstc_isa.schedule.padding import Padding, padded, unpadded
from tests.assembler.build import in_kernel
from tests.schedule.test_schedule import BODIES, assembled
from tests.schedule.timetables import timetables

LONG = load_gpu("v100-dstc", ["pipes.ALU.latency=40"])


def program(body: str, gpu: Gpu = LONG) -> Program:
    assembly = assemble(in_kernel(body), "t.dasm", gpu=gpu)
    assert assembly.program is not None
    assert not [d.message for d in assembly.diagnostics if "hazard" in d.message]
    return assembly.program


def kernel(body: str, gpu: Gpu = LONG) -> Kernel:
    return program(body, gpu).kernels[0]


def lines(kernel: Kernel) -> list[str]:
    return [f"{i.declaration.mnemonic} {i.control.stall}" for i in (decode(VOLTA, word) for word in kernel.words)]


def test_a_chain_has_nops_that_add_up_to_the_latency() -> None:
    built = kernel("MOV R0, 1\nIADD3 R1, R0, R0, RZ\nSTG.E [R2], R1\nEXIT")
    assert lines(built) == ["MOV 15", "NOP 15", "NOP 10", "IADD3 15", "NOP 15", "NOP 10", "STG 1", "EXIT 1"]
    assert [location[0].line for location in built.locations] == [3, 3, 3, 4, 4, 4, 5, 6]


def test_labels_and_branches_go_where_they_went() -> None:
    body = "MOV R0, 9\nloop:\nIADD3 R0, R0, -1, RZ\nISETP.NE.AND P0, PT, R0, RZ, PT\n@P0 BRA loop\nEXIT"
    built = kernel(body)
    code = [decode(VOLTA, word) for word in built.words]
    (branch,) = [index for index, i in enumerate(code) if i.declaration.mnemonic == "BRA"]
    (add,) = [index for index, i in enumerate(code) if i.declaration.mnemonic == "IADD3"]
    assert built.labels == {"loop": 16 * add}
    assert branch + 1 + code[branch].operands[-1].address // 16 == add
    assert "loop:" in listing(program(body))


def test_cycles_that_a_branch_must_let_pass_come_before_it_and_behind_its_labels() -> None:
    """The path round the loop needs them, and so does a jump to the branch itself."""
    body = """
    BRA turn
    loop:
    IADD3 R1, R0, R0, RZ
    STG.E [R2], R1
    IADD3 R0, R1, 1, RZ
    turn:
    BRA loop
    """
    built = kernel(body)
    shown = lines(built)
    turn = built.labels["turn"] // 16
    assert shown[turn - 1 : turn + 3] == ["IADD3 1", "NOP 15", "NOP 9", "BRA 15"]
    first = decode(VOLTA, built.words[0])
    assert 1 + first.operands[-1].address // 16 == turn


@pytest.mark.parametrize(
    "use",
    [
        "MOV R5, there\nSTG.E [R2], R5\nthere:",
        "MOV R5, .\nSTG.E [R2], R5",
        ".set start, .\nMOV R5, start\nSTG.E [R2], R5",
        ".if . > 0\n.endif",
        ".word 0",
        "BRX R6, there\nthere:",
        "RET.REL.NODEC R6",
        "BRA .+0x1000",
    ],
)
def test_where_instructions_must_stay_scoreboards_do_it(use: str) -> None:
    body = f"MOV R0, 1\nIADD3 R1, R0, R0, RZ\nSTG.E [R2], R1\n{use}\nEXIT"
    built = kernel(body)
    assert "NOP" not in " ".join(listing(program(body)).split())
    first, second = (decode(VOLTA, word).control for word in built.words[:2])
    assert first.write < SCOREBOARDS
    assert second.wait >> first.write & 1
    assert built.words[0] != kernel(body, load_gpu()).words[0]


def test_a_label_that_a_macro_is_given_is_still_a_branch_target() -> None:
    body = ".macro GO where\nBRA where\n.endm\n.macro ON where\nGO where\n.endm\n"
    text = body + in_kernel("MOV R0, 1\nIADD3 R1, R0, R0, RZ\nSTG.E [R2], R1\nON out\nout:\nEXIT")
    built = assemble(text, gpu=LONG).program
    assert built is not None
    assert lines(built.kernels[0]).count("NOP 15") == 2


def test_what_is_written_stays_and_is_told() -> None:
    body = "B------:R-:W-:-:S04 MOV R0, 1\nIADD3 R1, R0, R0, RZ\nSTG.E [R2], R1\nEXIT"
    assembly = assemble(in_kernel(body), gpu=LONG)
    assert assembly.program is not None
    assert lines(assembly.program.kernels[0])[:2] == ["MOV 4", "IADD3 15"]
    (message,) = [f"{d.message}; {d.expected}" for d in assembly.diagnostics if "hazard" in d.message]
    assert message.endswith("36 more cycles of stall between them")
    assert lines(kernel(".control manual\nMOV R0, 1\nEXIT")) == ["MOV 1", "EXIT 1"]


def test_a_kernel_without_room_for_nops_has_scoreboards(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "MOV R0, 1\n.rept 20\nIADD3 R0, R0, R0, RZ\n.endr\nSTG.E [R2], R0\nEXIT"
    longest = load_gpu("v100-dstc", ["pipes.ALU.latency=1000"])
    assert len(kernel(text, longest).words) == 23 + 21 * 66
    monkeypatch.setattr("dstc_isa.assembler.control_codes.MAXIMUM_INSTRUCTIONS", 23 + 21 * 66 - 1)
    assert len(kernel(text, longest).words) == 23


@settings(max_examples=60)
@given(timetables(), BODIES)
def test_nops_can_be_taken_out_again(timetable: list[str], body: list[str]) -> None:
    built = assembled(body, load_gpu("v100-dstc", timetable))
    assert built.control is not None
    bare = unpadded(built, built.control)
    assert len(bare.words) == len(body) + 1
    nops = [decode(VOLTA, word).declaration.mnemonic == "NOP" for word in built.words]
    assert bare.labels == {n: 16 * (a // 16 - sum(nops[: a // 16])) for n, a in built.labels.items()}
    assert bare.control is not None
    cycles = Padding([31] * len(bare.words), [7] * len(bare.words))
    wide = padded(bare, cycles)
    assert len(wide.words) == 5 * len(bare.words)
    assert wide.control is not None
    assert unpadded(wide, wide.control) == bare
