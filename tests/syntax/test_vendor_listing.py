"""A listing in the form of nvdisasm's: its sections of code become kernels."""

from dstc_isa.assembler import assemble
from dstc_isa.diagnostics import ERROR
from dstc_isa.isa.codec import decode
from dstc_isa.isa.text import format_instruction
from dstc_isa.isa.volta import VOLTA
from tests.assembler.build import program

LISTING = """
\t.headerflags\t@"EF_CUDA_TEXMODE_UNIFIED EF_CUDA_64BIT_ADDRESS EF_CUDA_SM70"
\t.elftype\t@"ET_EXEC"


//--------------------- .debug_frame              --------------------------
\t.section\t.debug_frame,"",@progbits
.debug_frame:
        /*0000*/ \t.byte\t0xff, 0xff, 0xff, 0xff, 0x24, 0x00
        /*0044*/ \t.dword\t(first + $first$_Z6helperf@srel)


//--------------------- .text.first               --------------------------
\t.section\t.text.first,"ax",@progbits
\t.sectionflags\t@"SHF_BARRIERS=1"
\t.sectioninfo\t@"SHI_REGISTERS=10"
\t.align\t128
        .global         first
        .type           first,@function
        .size           first,(.L_x_3 - first)
        .other          first,@"STO_CUDA_ENTRY STV_DEFAULT"
first:
.text.first:
        /*0000*/                   IADD3 R2, R2, -0x1, RZ ;
                                                                              /* 0xffffffff02027810 */
                                                                              /* 0x000fe20007ffe0ff */
.L_x_0:
        /*0010*/              @!P0 BRA `(.L_x_2) ;
        /*0020*/                   BRA `(.L_x_0) ;
        .type           $first$_Z6helperf,@function
$first$_Z6helperf:
.L_x_2:
        /*0030*/                   BRA `($first$_Z6helperf);
.L_x_3:


//--------------------- .text._Z6secondPf         --------------------------
\t.section\t.text._Z6secondPf,"ax",@progbits
_Z6secondPf:
        /*0000*/                   FADD R4, |R2|.reuse, +INF ;


//--------------------- .nv.shared.first          --------------------------
\t.section\t.nv.shared.first,"aw",@nobits
.nv.shared.first:
\t.zero\t256
"""


def test_sections_of_code_are_kernels() -> None:
    first, second = program(LISTING).kernels
    assert (first.name, second.name) == ("first", "_Z6secondPf")
    texts = [[format_instruction(decode(VOLTA, word), control=False) for word in k.words] for k in (first, second)]
    assert texts == [
        ["IADD3 R2, R2, -0x1, RZ ;", "@!P0 BRA .+32 ;", "BRA .-16 ;", "BRA .+0 ;"],
        ["FADD R4, |R2|.reuse, +INF ;"],
    ]
    assert first.labels[".L_x_2"] == first.labels["$first$_Z6helperf"] == 0x30


def test_what_is_wrong_in_it_is_said_at_its_line() -> None:
    assembly = assemble(LISTING.replace("(.L_x_0)", "(.L_x_9)"))
    (found,) = [each for each in assembly.diagnostics if each.severity == ERROR]
    assert found.message == "unknown name .L_x_9"
    assert found.line == 1 + LISTING[: LISTING.index("/*0020*/")].count("\n")
