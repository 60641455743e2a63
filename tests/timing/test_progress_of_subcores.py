"""Every sub-core comes to the load and store unit in the end, however the others fill it."""

import numpy as np
import pytest

import dstc_isa

pytestmark = pytest.mark.engine

LOCK = """.kernel k
.param .ptr.u32 out
.shared lock, 8
.reg lane, held, one, size
.reg.64 at
.pred taken
    S2R lane, SR_TID.X
    MOV size, 4
    IMAD.WIDE.U32 at, lane, size, out
    MOV one, 1
again:
    ATOMS.CAS held, [lock], RZ, one
    ISETP.NE.AND taken, PT, held, 0, PT
@taken BRA again
    LDS held, [lock+4]
    IADD3 held, held, 1, RZ
    STS [lock+4], held
    ATOMS.EXCH lane, [lock], RZ
    STG.E [at], held
    EXIT
.endkernel
"""


@pytest.mark.parametrize(
    ("block", "settings"),
    [(128, []), (256, ["shared.queue=64"]), (128, ["scheduler.policy=lrr"]), (128, ["sm.subcores=2"])],
)
def test_a_lock_is_handed_on(block: int, settings: list[str]) -> None:
    out = np.zeros(block, np.uint32)
    program = dstc_isa.assemble(LOCK).program
    assert program is not None
    found = dstc_isa.run(program, block=block, out=out, gpu="v100-dstc", settings=settings, timeout=120)
    assert sorted(out.tolist()) == list(range(1, block + 1))
    assert found.report.timing is not None
