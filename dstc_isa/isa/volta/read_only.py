"""Instructions that are read and written but not executed, as tables of operands and modifiers."""

from collections.abc import Mapping
from inspect import Parameter, Signature
from types import GenericAlias
from typing import Any

from dstc_isa.isa.instruction import Held
from dstc_isa.isa.unit import Unit
from dstc_isa.isa.volta.instruction_set import instruction


def declare(
    module: str,
    mnemonic: str,
    opcode: int,
    unit: Unit,
    description: str,
    reason: str,
    results: tuple[Any, ...],
    parts: Mapping[str, Any],
    held: tuple[Held, ...] = (),
) -> None:
    """Declare an instruction of a module by the annotations of its results and, by name, of all else."""

    def read_only() -> None:
        """See the description."""

    read_only.__doc__ = description
    read_only.__signature__ = Signature(  # type: ignore[attr-defined]
        [Parameter(name, Parameter.KEYWORD_ONLY, annotation=part) for name, part in parts.items()],
        return_annotation=GenericAlias(tuple, results) if results else None,
    )
    read_only.__module__ = module
    instruction(mnemonic, opcode, unit, variable=True, held=held, unmodelled=reason)(read_only)
