"""Symbolic execution: what a function does with numbers of a word that are not known yet, as a decision tree.

A function that gets an ``Unknown`` is run once for each way through it. Where it compares, both outcomes are followed;
where it writes one into a text, a place is left. What comes out is Python source of the same function.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from attrs import frozen

MARK = "\0"
MOST_VALUES = 256
"""A number with up to so many values may be used as a key: each value is then followed."""

FEW_VALUES = 16
"""A shift by a number with fewer values follows each of them; by others it stands in the source."""

WORD = "w"
"""How the source calls the word."""


class UntraceableError(Exception):
    """A function does with an unknown number what cannot be written down."""


class _Fork(BaseException):
    """A condition whose outcome is open: what is asked, and the possible answers."""

    def __init__(self, key: str, answers: tuple[Any, ...], number: str) -> None:
        super().__init__(key)
        self.key, self.answers, self.number = key, answers, number


@frozen
class Leaf:
    """The end of a way: the source of what is returned, or None where the word is refused."""

    source: str | None


@frozen
class Branch:
    """A condition in source, and what follows if it is true and if it is not."""

    condition: str
    then: "Tree"
    otherwise: "Tree"


@frozen
class Switch:
    """The source of a number, and what follows for each value."""

    number: str
    ways: tuple[tuple[int, "Tree"], ...]


Tree = Leaf | Branch | Switch


class Path:
    """One way through a function: the answers given so far, and what they say of numbers."""

    def __init__(self, answers: Mapping[str, Any]) -> None:
        self._answers = answers
        self._known: dict[str, int] = {}
        self._places: list[str] = []

    def decide(self, condition: str) -> bool:
        """The truth of a condition in source."""
        if condition not in self._answers:
            raise _Fork(condition, (True, False), "")
        return bool(self._answers[condition])

    def equal(self, number: str, value: int) -> bool:
        """Whether a number has a value."""
        if self.decide(f"{number} == {value}"):
            self._known[number] = value
            return True
        return False

    def value(self, number: str, values: Iterable[int]) -> int:
        """Which of its values a number has."""
        key = f"{number} is"
        if key not in self._answers:
            raise _Fork(key, tuple(values), number)
        self._known[number] = self._answers[key]
        return self._known[number]

    def known(self, number: str) -> int | None:
        """The value of a number, if it follows from the answers."""
        return self._known.get(number)

    def place(self, source: str) -> str:
        """The text of a place in an f-string, with what stands in it."""
        self._places.append(source)
        return f"{MARK}{len(self._places) - 1}{MARK}"

    def written(self, text: str) -> str:
        """The source of a text with places."""
        pieces = text.split(MARK)
        if len(pieces) == 1:
            return repr(text)
        parts = []
        for number, piece in enumerate(pieces):
            parts.append(f"{{{self._places[int(piece)]}}}" if number % 2 else _fixed(piece))
        return 'f"' + "".join(parts) + '"'


class Unknown:
    """An integer that is not known, by the source of an expression; ``values``: those that it can have, ascending."""

    __slots__ = ("path", "source", "values")

    def __init__(self, path: Path, source: str, values: "range | tuple[int, ...]") -> None:
        self.path, self.source, self.values = path, source, values

    def _made(self, source: str, least: int, most: int) -> "Unknown":
        return Unknown(self.path, f"({source})", range(least, most + 1))

    @property
    def _ends(self) -> tuple[int, int]:
        return self.values[0], self.values[-1]

    def __and__(self, mask: "int | Unknown") -> "int | Unknown":
        if isinstance(mask, Unknown):
            return self._made(f"{self.source} & {mask.source}", 0, min(self.values[-1], mask.values[-1]))
        known = self.path.known(self.source)
        return known & mask if known is not None else self._made(f"{self.source} & {mask:#x}", 0, mask)

    __rand__ = __and__

    def __rshift__(self, count: int) -> "int | Unknown":
        known = self.path.known(self.source)
        if known is not None:
            return known >> count
        least, most = self._ends
        return self._made(f"{self.source} >> {count}", least >> count, most >> count) if count else self

    def __lshift__(self, count: int) -> "int | Unknown":
        known = self.path.known(self.source)
        if known is not None:
            return known << count
        least, most = self._ends
        return self._made(f"{self.source} << {count}", least << count, most << count) if count else self

    def __rlshift__(self, other: int) -> "int | Unknown":
        least, most = self._ends
        if self.path.known(self.source) is not None or most - least < FEW_VALUES:
            return other << self.__index__()
        return self._made(f"{other:#x} << {self.source}", other << least, other << most)

    def __or__(self, other: "int | Unknown") -> "int | Unknown":
        most = other.values[-1] if isinstance(other, Unknown) else other
        source = other.source if isinstance(other, Unknown) else other
        length = max(self.values[-1].bit_length(), most.bit_length())
        return self._made(f"{self.source} | {source}", 0, (1 << length) - 1)

    __ror__ = __or__

    def __add__(self, other: int) -> "int | Unknown":
        known = self.path.known(self.source)
        if known is not None:
            return known + other
        least, most = self._ends
        return self._made(f"{self.source} + {other}", least + other, most + other)

    def __sub__(self, other: int) -> "int | Unknown":
        known = self.path.known(self.source)
        if known is not None:
            return known - other
        least, most = self._ends
        return self._made(f"{self.source} - {other}", least - other, most - other)

    def __rsub__(self, other: int) -> "int | Unknown":
        known = self.path.known(self.source)
        if known is not None:
            return other - known
        least, most = self._ends
        return self._made(f"{other} - {self.source}", other - most, other - least)

    def __mod__(self, other: int) -> "int | Unknown":
        known = self.path.known(self.source)
        return known % other if known is not None else self._made(f"{self.source} % {other}", 0, other - 1)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, int):
            return NotImplemented
        known = self.path.known(self.source)
        if known is not None:
            return known == other
        least, most = self._ends
        if not least <= other <= most or (isinstance(self.values, tuple) and other not in self.values):
            return False
        return least == most or self.path.equal(self.source, int(other))

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __lt__(self, other: int) -> bool:
        known = self.path.known(self.source)
        if known is not None:
            return known < other
        least, most = self._ends
        return most < other or (least < other and self.path.decide(f"{self.source} < {other}"))

    def __ge__(self, other: int) -> bool:
        return not self < other

    def __gt__(self, other: int) -> bool:
        return not self < other + 1

    def __le__(self, other: int) -> bool:
        return self < other + 1

    def __bool__(self) -> bool:
        return self != 0

    def __hash__(self) -> int:
        return hash(self.__index__())

    def __index__(self) -> int:
        known = self.path.known(self.source)
        if known is not None:
            return known
        if len(self.values) > MOST_VALUES:
            raise UntraceableError(f"{self.source} has too many values to follow each")
        return self.path.value(self.source, self.values)

    def __format__(self, form: str) -> str:
        known = self.path.known(self.source)
        return format(known, form) if known is not None else self.path.place(self.source + (form and f":{form}"))

    def __str__(self) -> str:
        return format(self)


def among(number: Any, numbers: frozenset[int]) -> bool:
    """Whether a number, which may be unknown, is one of some."""
    if not isinstance(number, Unknown):
        return number in numbers
    fitting = sorted(each for each in numbers if each in number.values)
    if len(fitting) < 2:
        return bool(fitting) and number == fitting[0]
    return number.path.decide(f"{number.source} in {{{', '.join(map(str, fitting))}}}")


def text_of_numbers(write: Callable[..., str], *numbers: Any) -> str:
    """What a function of ``listing.numbers`` writes of numbers, which may be unknown."""
    unknown = next((number for number in numbers if isinstance(number, Unknown)), None)
    if unknown is None:
        return write(*numbers)
    given = ", ".join(each.source if isinstance(each, Unknown) else repr(each) for each in numbers)
    return unknown.path.place(f"{write.__name__}({given})")


class Fields(Mapping[str, Any]):
    """Unknown numbers by name, which notes the names that are asked for; ``sources``: source and values of each."""

    def __init__(self, path: Path, sources: Mapping[str, tuple[str, tuple[int, ...]]], asked: set[str]) -> None:
        self._path, self._sources, self._asked = path, sources, asked

    def __getitem__(self, name: str) -> Unknown:
        self._asked.add(name)
        return Unknown(self._path, *self._sources[name])

    def __iter__(self) -> Iterator[str]:
        return iter(self._sources)

    def __len__(self) -> int:
        return len(self._sources)


def explore(function: Callable[[Path], Any], refusal: type[Exception]) -> Tree:
    """All ways through a function, which gets the path that it is on; the exception ``refusal`` is an end, too.

    It returns a text, None or a number. Raises UntraceableError.
    """

    def grow(answers: dict[str, Any]) -> Tree:
        path = Path(answers)
        try:
            return Leaf(_returned(path, function(path)))
        except refusal:
            return Leaf(None)
        except _Fork as fork:
            ways = [(answer, grow({**answers, fork.key: answer})) for answer in fork.answers]
            if all(way == ways[0][1] for _, way in ways):
                return ways[0][1]
            if fork.number:
                return Switch(fork.number, tuple(ways))
            return Branch(fork.key, ways[0][1], ways[1][1])

    return grow({})


def _fixed(text: str) -> str:
    """A part of an f-string that is always the same."""
    return text.encode("unicode_escape").decode().replace('"', '\\"').replace("{", "{{").replace("}", "}}")


def _returned(path: Path, result: Any) -> str:
    if isinstance(result, str):
        return path.written(result)
    return result.source if isinstance(result, Unknown) else repr(result)
