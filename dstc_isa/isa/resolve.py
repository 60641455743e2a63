"""From a written mnemonic to the declarations it can mean, with the values of its modifiers."""

from collections.abc import Container
from difflib import get_close_matches
from itertools import islice, product

from dstc_isa.errors import DstcError
from dstc_isa.isa.instruction import Alias, Declaration
from dstc_isa.isa.instruction_set import Isa
from dstc_isa.isa.remembered import until_changed
from dstc_isa.isa.text import format_mnemonic

COMBINATIONS = 64
MOST_WORDS = 4
"""Words of the longest modifier, such as ``.F32.FTZ.RN``."""

Candidate = tuple[Declaration, tuple[int, ...], Alias | None]
"""A declaration, the values of its modifiers, and the alias that was written, if one was."""


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
    failed: list[tuple[Declaration, list[str], str]] = []
    for cut in range(len(written), 0, -1):
        if cut != len(written) and written[cut] != ".":
            continue
        words = written[cut + 1 :].split(".") if cut < len(written) else []
        found: list[Candidate] = []
        for declaration in isa.declarations:
            if declaration.mnemonic == written[:cut]:
                values = _modifiers(declaration, words)
                if isinstance(values, str):
                    failed.append((declaration, words, values))
                else:
                    found.append((declaration, *values))
        if found:
            return tuple(found)
    if failed:
        declaration, words, reason = failed[0]
        spelled = _repaired(declaration, words) or nearest(isa, ".".join([declaration.mnemonic, *words]))
        raise MnemonicError(reason, spelled)
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
        rule, names = declaration.rule, declaration.modifier_values
        spellings += [format_mnemonic(declaration, v) for v in chosen if rule is None or rule(names(v)) is None]
    return list(dict.fromkeys(spellings))


def _modifiers(declaration: Declaration, words: list[str]) -> tuple[tuple[int, ...], Alias | None] | str:
    """The values of the modifiers that words mean, and the alias among them; what is wrong if they mean none."""
    chosen: dict[int, int] = {}
    alias: Alias | None = None
    left = words
    while left:
        named = next((a for a in declaration.aliases if a.word == left[0]), None)
        if named is not None and alias is None:
            alias, left = named, left[1:]
            continue
        run = _chosen(declaration, left, chosen)
        if run is None:
            return _bad_word(declaration, left[0])
        place, meant, count = run
        chosen[place], left = meant, left[count:]
    values = []
    for place, modifier in enumerate(declaration.modifiers):
        value = chosen.get(place, modifier.default)
        if value is None:
            expected = ", ".join("." + word for word in modifier.kind.words())
            return f"{declaration.mnemonic} needs its {modifier.name} modifier: one of {expected}"
        values.append(value)
    broken = declaration.rule(declaration.modifier_values(tuple(values))) if declaration.rule is not None else None
    return (tuple(values), alias) if broken is None else f"{declaration.mnemonic}: {broken}"


def _chosen(declaration: Declaration, words: list[str], taken: Container[int]) -> tuple[int, int, int] | None:
    """The modifier that the longest run of words from the first one on means, its value, and how many they are."""
    for count in range(min(len(words), MOST_WORDS), 0, -1):
        for place, modifier in enumerate(declaration.modifiers):
            meant = modifier.kind.words().get(".".join(words[:count]))
            if meant is not None and place not in taken:
                return place, meant, count
    return None


def _repaired(declaration: Declaration, words: list[str]) -> str:
    """The mnemonic with one of its modifiers replaced by the nearest one or left out; empty if that does not do."""
    known = sorted({word for m in declaration.modifiers for word in m.kind.words() if word})
    for i, word in enumerate(words):
        for instead in [*get_close_matches(word.upper(), known, 3, 0.5), None]:
            changed = [*words[:i], *([] if instead is None else [instead]), *words[i + 1 :]]
            if not isinstance(_modifiers(declaration, changed), str):
                return ".".join([declaration.mnemonic, *changed])
    return ""


def _bad_word(declaration: Declaration, word: str) -> str:
    known = [w for m in declaration.modifiers for w in m.kind.words() if w]
    if not known:
        return f"{declaration.mnemonic} takes no modifier, so .{word} has no meaning"
    if word in known:
        return f"modifier .{word} stands twice"
    return f"{declaration.mnemonic} has no modifier .{word}; it takes {', '.join('.' + w for w in known)}"
