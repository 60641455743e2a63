"""Takes back what files of further instructions have declared, for tests that load them in their own process."""

import linecache
import sys

from dstc_isa.assembler.matching import forget_plans
from dstc_isa.isa import codec, resolve
from dstc_isa.isa.instruction import Declaration
from dstc_isa.isa.volta import VOLTA


def forget(before: list[Declaration]) -> None:
    """Leave these declarations, and nothing that was remembered of others."""
    VOLTA.declarations[:] = before
    for name in [name for name in sys.modules if name.startswith("dstc_isa_extension_")]:
        del sys.modules[name]
    forget_plans()
    codec._by_opcode.cache_clear()
    codec.decode.cache_clear()
    for each in vars(resolve).values():
        if hasattr(each, "cache_clear"):
            each.cache_clear()
    linecache.clearcache()
