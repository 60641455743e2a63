"""Takes back what files of further instructions have declared, for tests that load them in their own process."""

import linecache
import sys

from dstc_isa.isa.instruction_set import Contents
from dstc_isa.isa.volta import VOLTA


def forget(before: Contents) -> None:
    """Leave what was declared then, and nothing that was remembered of others."""
    VOLTA.forget(before)
    for name in [name for name in sys.modules if name.startswith("dstc_isa_extension_")]:
        del sys.modules[name]
    linecache.clearcache()
