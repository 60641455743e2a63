"""Settings of GPUs whose control codes differ: latencies, intervals and ports that the schema allows, with extremes.

Those of memory count where a load can be faster than what came before it.
"""

from hypothesis import strategies as st

from dstc_isa.gpu.schema import consumers, specs
from dstc_isa.isa.volta import VOLTA

PORTS = ("alu", "fma", "fp16", "sfu", "lsu", "branch", "control")


def _values(key: str) -> st.SearchStrategy[int]:
    spec = specs(VOLTA)[key]
    low, high = int(spec.minimum), int(spec.maximum)
    near = [value for value in (0, 1, 14, 15, 16, 17, 30, 31, 40) if low <= value <= high]
    return st.one_of(st.sampled_from([*near, high]), st.integers(low, high))


@st.composite
def timetables(draw: st.DrawFn, *more: str) -> list[str]:
    """Settings of some parts of v100-dstc's timetable, and ``more``."""
    settings = [f"accumulation_buffer.skipped={draw(st.sampled_from(['none', 'slot']))}", *more]
    for pipe in draw(st.lists(st.sampled_from(VOLTA.units), unique=True, max_size=6)):
        for part in ("latency", "initiation", "accumulate"):
            if draw(st.booleans()):
                key = f"pipes.{pipe.name}.{part}"
                settings.append(f"{key}={draw(_values(key))}")
        for user in draw(st.lists(st.sampled_from(consumers(VOLTA.units)), unique=True, max_size=3)):
            key = f"pipes.{pipe.name}.to.{user}"
            settings.append(f"{key}={draw(_values(key))}")
        if draw(st.booleans()):
            settings.append(f"pipes.{pipe.name}.port={draw(st.sampled_from(PORTS))}")
    for key in draw(st.lists(st.sampled_from(("shared.latency", "l1.latency", "l2.atomic_latency")), unique=True)):
        settings.append(f"{key}={draw(st.sampled_from((1, 2, 14, 100)))}")
    return settings
