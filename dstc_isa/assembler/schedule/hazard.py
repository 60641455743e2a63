"""A hazard that control codes leave."""

from attrs import frozen

from dstc_isa.assembler.emit import PREDICATE_SHIFT


@frozen
class Hazard:
    """Instructions by index; ``kind``: RAW, WAW or WAR; ``place``: bit of the register or predicate.

    ``missing``: cycles between the two, or 0 for a wait on a scoreboard; ``unset``: the producer sets none.
    """

    producer: int
    consumer: int
    kind: str
    place: int
    missing: int = 0
    unset: bool = False

    @property
    def name(self) -> str:
        """The register or predicate."""
        return f"R{self.place}" if self.place < PREDICATE_SHIFT else f"P{self.place - PREDICATE_SHIFT}"
