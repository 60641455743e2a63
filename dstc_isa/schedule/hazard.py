"""A hazard that control codes leave."""

from attrs import frozen

from dstc_isa.isa.masks import PLACES, place_name

_USES = {
    "RAW": "reads {0} before {1} has its result",
    "WAW": "writes {0} before {1} has",
    "WAR": "overwrites {0}, which {1} may still have to read",
    "WAIT": "waits for {0} before {1} can have set it",
}


@frozen
class Hazard:
    """Instructions by index; ``kind``: RAW, WAW, WAR, or WAIT for a wait that comes too soon to see its scoreboard.

    ``place``: bit of the register or predicate, or of the scoreboard, which come behind ``PLACES``. ``missing``: cycles
    between the two, or 0 for a wait on a scoreboard; ``unset``: the producer sets none.
    """

    producer: int
    consumer: int
    kind: str
    place: int
    missing: int = 0
    unset: bool = False

    @property
    def name(self) -> str:
        """The register, predicate or scoreboard."""
        if self.place >= PLACES:
            return f"scoreboard {self.place - PLACES}"
        return place_name(self.place)

    def message(self, consumer: str, producer: str) -> str:
        """What is wrong, from the names of the two instructions."""
        return f"{self.kind} hazard: {consumer} {_USES[self.kind].format(self.name, producer)}"

    @property
    def mend(self) -> str:
        """What is missing."""
        if self.missing:
            return f"{self.missing} more cycle{'s' if self.missing > 1 else ''} of stall between them"
        if self.unset:
            return f"a scoreboard on the one that {'reads' if self.kind == 'WAR' else 'writes'}, and a wait for it"
        return "a wait for its scoreboard"
