"""Print instruction words by functions that were made from declarations, which are not needed for it any more."""

import marshal
from collections.abc import Mapping
from types import CodeType, FunctionType
from typing import Any

from dstc_isa.listing import numbers

WORD, LABEL, REFUSED = "w", "label", "Refused"
"""What the functions call the word, the name of its target, and the exception for one that cannot be written."""

Bodies = Mapping[int, tuple[str, str]]
"""Opcode -> names of the functions that make the text behind the guard and the distance of the target, if any."""


class Refused(Exception):
    """A word is no instruction, or registers stand where they cannot."""


class Printer:
    """The printer of an instruction set; ``word_bytes``: bytes of a word.

    ``opcode`` and ``prefix``: the bits of the opcode, and of guard and control code, whose text the function of that
    name makes. ``bodies``: see ``Bodies``. ``functions``: their code, marshalled, by name; each is loaded when it is
    called.
    """

    def __init__(
        self,
        word_bytes: int,
        opcode: int,
        prefix: int,
        prefix_name: str,
        bodies: Bodies,
        functions: Mapping[str, bytes],
    ) -> None:
        self.word_bytes = word_bytes
        self._opcode, self._prefix, self._prefix_name = opcode, prefix, prefix_name
        self._bodies, self._functions = bodies, functions
        self._loaded: dict[str, Any] = {**vars(numbers), REFUSED: Refused}
        self._rest = (1 << 8 * word_bytes) - 1 - prefix
        self._prefixes: dict[int, str | None] = {}
        self._texts: dict[int, str | None] = {}

    def text(self, word: int, label: str | None = None) -> str | None:
        """A word as assembly text, with the name of its target if it has one; None for one that cannot be written."""
        bits = word & self._prefix
        if bits not in self._prefixes:
            self._prefixes[bits] = self._called(self._prefix_name, word)
        prefix = self._prefixes[bits]
        if label is not None:
            body = self._called(self._bodies[word & self._opcode][0], word, label)
        else:
            bits = word & self._rest
            if bits not in self._texts:
                names = self._bodies.get(word & self._opcode)
                self._texts[bits] = None if names is None else self._called(names[0], word, None)
            body = self._texts[bits]
        return None if prefix is None or body is None else prefix + body

    def distance(self, word: int) -> int | None:
        """Bytes from the next instruction to the target of a word; None for one without a target."""
        names = self._bodies.get(word & self._opcode)
        if names is None or not names[1] or self.text(word) is None:
            return None
        distance: int = self._called(names[1], word)
        return distance

    def _called(self, name: str, *arguments: Any) -> Any:
        if name not in self._loaded:
            self._load(name)
        try:
            return self._loaded[name](*arguments)
        except Refused:
            return None

    def _load(self, name: str) -> None:
        """Load a function and those that it calls."""
        code: CodeType = marshal.loads(self._functions[name])
        self._loaded[name] = FunctionType(code, self._loaded)
        for each in code.co_names:
            if each in self._functions and each not in self._loaded:
                self._load(each)

    def packed(self) -> bytes:
        """The printer as bytes that ``unpacked`` reads in the same version of Python."""
        fixed = (self.word_bytes, self._opcode, self._prefix, self._prefix_name)
        return marshal.dumps((*fixed, dict(self._bodies), dict(self._functions)))


def unpacked(data: bytes) -> Printer:
    """The printer in bytes that are known to be one's."""
    return Printer(*marshal.loads(data))
