"""From a written mnemonic to the declarations it can mean, with the values of its modifiers."""

from difflib import get_close_matches
from itertools import islice, product

from dstc_isa.errors import DstcError
from dstc_isa.isa.instruction import Declaration
from dstc_isa.isa.instruction_set import Isa
from dstc_isa.isa.remembered import until_changed
from dstc_isa.isa.text import format_mnemonic

COMBINATIONS = 64
Candidate = tuple[Declaration, tuple[int, ...]]


class MnemonicError(DstcError, ValueError):
    """A mnemonic or modifier that does not exist; ``suggestion`` is the nearest one that does, or empty.

    ``unknown``: no instruction has this name, whatever its modifiers.
    """

    def __init__(self, reason: str, suggestion: str = "", *, unknown: bool = False) -> None:
        super().__init__(reason)
        self.suggestion = suggestion
        self.unknown = unknown


@until_changed()
def resolve(isa: Isa, written: str) -> tuple[Candidate, ...]:
    """The declarations a mnemonic such as ``ISETP.LT.U32.AND`` can mean; MnemonicError if there is none.

    Modifiers may stand in any order. Several declarations come back only where operands tell them apart.
    """
    for cut in range(len(written), 0, -1):
        if cut != len(written) and written[cut] != ".":
            continue
        named = [d for d in isa.declarations if d.mnemonic == written[:cut]]
        if named:
            words = written[cut + 1 :].split(".") if cut < len(written) else []
            return tuple((d, _modifiers(d, words)) for d in named)
    raise MnemonicError(f"unknown instruction {written}", nearest(isa, written), unknown=True)


def nearest(isa: Isa, written: str) -> str:
    """The full mnemonic closest to what was written, or empty."""
    near = get_close_matches(written.upper(), _spellings(isa), 1, 0.5)
    return near[0] if near else ""


@until_changed()
def _spellings(isa: Isa) -> list[str]:
    """Every mnemonic in full: all combinations of its modifiers, or each choice alone where those are too many."""
    spellings = []
    for declaration in isa.declarations:
        choices = [
            [*([m.default] if m.default is not None else []), *m.kind.words().values()] for m in declaration.modifiers
        ]
        base = tuple(values[0] for values in choices)
        chosen = list(islice(product(*choices), COMBINATIONS + 1))
        if len(chosen) > COMBINATIONS:
            chosen = [(*base[:i], v, *base[i + 1 :]) for i, values in enumerate(choices) for v in values]
        spellings += [format_mnemonic(declaration, values) for values in chosen]
    return list(dict.fromkeys(spellings))


def _modifiers(declaration: Declaration, words: list[str]) -> tuple[int, ...]:
    chosen: dict[int, int] = {}
    for word in words:
        for place, modifier in enumerate(declaration.modifiers):
            if place not in chosen and word in modifier.kind.words():
                chosen[place] = modifier.kind.words()[word]
                break
        else:
            raise MnemonicError(
                _bad_word(declaration, word), nearest(declaration.isa, ".".join([declaration.mnemonic, *words]))
            )
    values = []
    for place, modifier in enumerate(declaration.modifiers):
        value = chosen.get(place, modifier.default)
        if value is None:
            expected = ", ".join("." + word for word in modifier.kind.words())
            raise MnemonicError(
                f"{declaration.mnemonic} needs its {modifier.name} modifier: one of {expected}",
                _nearest(declaration, words),
            )
        values.append(value)
    return tuple(values)


def _nearest(declaration: Declaration, words: list[str]) -> str:
    return nearest(declaration.isa, ".".join([declaration.mnemonic, *words]))


def _bad_word(declaration: Declaration, word: str) -> str:
    known = [w for m in declaration.modifiers for w in m.kind.words()]
    if not known:
        return f"{declaration.mnemonic} takes no modifier, so .{word} has no meaning"
    if word in known:
        return f"modifier .{word} stands twice"
    return f"{declaration.mnemonic} has no modifier .{word}; it takes {', '.join('.' + w for w in known)}"
