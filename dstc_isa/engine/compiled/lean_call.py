"""Calls for a function that is entered often: their results are not cleared at its entry.

Numba gives every call a place for its result on the stack of the calling function, and clears it where that function
begins. The interpreter has a hundred such places, and with a timing model it is entered for every instruction.
"""

from typing import Any

from llvmlite import ir
from numba.core import cgutils, types

from dstc_isa.engine.compiled.jit import emitter


@emitter
def lean_call(typing: Any, function: Any, *arguments: Any) -> Any:
    """Call a compiled function that cannot raise and returns no counted reference."""
    called = function.get_call_type(typing, arguments, {})

    def emit(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> ir.Value:
        entry = builder.function.entry_basic_block
        known = {id(line) for line in entry.instructions}
        values = cgutils.unpack_tuple(builder, args[1], len(called.args))
        result = context.get_function(function, called)(builder, values)
        if builder.block is not entry:
            entry.instructions[:] = [
                line
                for line in entry.instructions
                if id(line) in known or not isinstance(line, ir.instructions.StoreInstr)
            ]
        return result

    return called.return_type(function, types.BaseTuple.from_types(arguments)), emit
