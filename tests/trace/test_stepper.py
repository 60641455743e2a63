"""Warps of the compiled engine that Python runs some instructions at a time."""

import numpy as np

from dstc_isa.engine.launch import prepare
from dstc_isa.engine.launch_records import TRACE
from dstc_isa.trace.compiled.step_record import MOST_STEPS
from dstc_isa.trace.stepper import Stepper
from tests.trace.kernels import program

LOOP = """.kernel k
.reg count
    MOV count, 0
again:
    IADD3 count, count, 1, RZ
    ISETP.LT.AND P0, PT, count, 100000, PT
@P0 BRA again
    EXIT
.endkernel
"""


def test_a_long_run_up_to_a_stop_stays_in_its_room() -> None:
    made = program(LOOP)
    stepper = Stepper(prepare(made, made.kernels[0], (1,), (32,), {}), 1 << 20, {4}, None)
    room = len(stepper.room)
    assert stepper.room.nbytes == room * TRACE.nbytes
    wide = TRACE.new(2 * room)
    wide["place"][room:] = -7
    stepper.step["stops"] = wide.ctypes.data
    (warp,) = stepper.start_cta(0)
    assert stepper.run(warp, 10 * MOST_STEPS) == MOST_STEPS
    assert np.count_nonzero(wide["place"][:room]) == room - 1
    assert (wide["place"][room:] == -7).all()


def test_stops_of_one_launch_are_not_those_of_the_next() -> None:
    made = program(LOOP)
    launch = prepare(made, made.kernels[0], (1,), (32,), {})
    for stops, count in ((set(), 2), ({2}, 1), (set(), 2)):
        stepper = Stepper(launch, 1 << 20, {1, *stops}, None)
        (warp,) = stepper.start_cta(0)
        assert stepper.run(warp, 10) == 1
        stepper = Stepper(launch, 1 << 20, {3, *stops}, None)
        (warp,) = stepper.start_cta(0)
        assert stepper.run(warp, 10) == 1 + count
