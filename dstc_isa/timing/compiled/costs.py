"""The cost functions of units as compiled code: one branch per unit, around the functions that they declare.

Those of the package are part of the timing engine. Those from files of the user's are a module of their own, called at
its address, so that only that is compiled when they change.
"""

import inspect
from typing import Any

from numba.extending import register_jitable

from dstc_isa.engine.compiled.cache import generated
from dstc_isa.engine.compiled.jit import BARE
from dstc_isa.engine.compiled.record_views import record_view
from dstc_isa.engine.compiled.warp_functions import plain_functions
from dstc_isa.isa.instruction_set import Isa, isa_named
from dstc_isa.isa.unit import Unit
from dstc_isa.timing.blocks import block_state, counters, foreign_units, parameters, shipped_units, unit_number

HEADER = """from dstc_isa.engine.compiled.jit import compiled, entry
from dstc_isa.engine.compiled.record_views import as_warp
from dstc_isa.isa.instruction_set import isa_named
from dstc_isa.timing.compiled.costs import views
from dstc_isa.timing.compiled.model_views import as_charge
"""

FOREIGN_ENTRY = """

@entry
def run_foreign_costs(unit, charge, warp, block, parameters, counters):
    try:
        charge_(unit, charge, warp, block, parameters, counters)
    except Exception:
        return 1
    return 0
"""
ARGUMENTS = "unit, charge, warp, block, parameters, counters"


def views(unit: Unit) -> tuple[Any, Any, Any]:
    """What gives names to the addresses of a unit's block, its parameters and its counters."""
    checked = () if unit.shipped or unit.block is None else unit.block.state
    return (
        record_view(block_state(unit.block), checked),
        record_view(parameters(unit)),
        record_view(counters(unit.block)),
    )


def shipped_source() -> str:
    """The text of the function that charges instructions of the package's units."""
    return _source("compiled", "shipped_costs", shipped_units(), "charge", "warp")


def foreign_source(isa: Isa) -> str:
    """The text of the one for units of an instruction set from files of the user's, which is called with addresses."""
    return _source("compiled", "charge_", foreign_units(isa), "as_charge(charge)", "as_warp(warp)") + FOREIGN_ENTRY


def _source(decorator: str, name: str, units: list[Unit], charge: str, warp: str) -> str:
    charged = {unit_number(isa_named(unit.isa), unit): unit for unit in units if unit.cost_function is not None}
    lines = [HEADER]
    for number, unit in charged.items():
        _register(unit)
        declared = f"isa_named({unit.isa!r}).units[{isa_named(unit.isa).units.index(unit)}]"
        lines.append(f"cost_{number} = {declared}.cost_function\n")
        lines.append(f"block_{number}, parameters_{number}, counters_{number} = views({declared})\n")
    lines.append(f"\n\n@{decorator}\ndef {name}({ARGUMENTS}):\n")
    for number, unit in charged.items():
        views = f"block_{number}(block), parameters_{number}(parameters), counters_{number}(counters)"
        lines.append(f"    if unit == {number}:  # {unit.name}\n        cost_{number}({charge}, {warp}, {views})\n")
    return "".join([*lines, "    return 0\n"])


_registered: set[Any] = set()


def _register(unit: Unit) -> None:
    """Make a unit's cost function, and the functions beside it, known to Numba."""
    module = inspect.getmodule(unit.cost_function)
    for function in [] if module is None else plain_functions(module):
        if function not in _registered:
            _registered.add(function)
            register_jitable(**BARE)(function)


FOREIGN_UNIT = len(shipped_units())
"""The number of the first unit from a file of the user's."""

shipped_costs = generated("dstc_shipped_costs", shipped_source()).shipped_costs
