"""Names and what they mean: a chain of scopes from the innermost block to the file."""

from attrs import Factory, define

from dstc_isa.assembler.values import Bound, Label, RegisterArray


@define(eq=False, repr=False)
class Scope:
    """One block's names; ``used`` are those that were looked up.

    ``barrier`` marks a macro's body: an assignment does not reach past it. ``start`` and ``end`` are the
    instruction numbers between which the block's registers are live.
    """

    parent: "Scope | None" = None
    barrier: bool = False
    names: dict[str, Bound] = Factory(dict)
    arrays: list[RegisterArray] = Factory(list)
    used: set[str] = Factory(set)
    start: int = 0

    def find(self, name: str) -> Bound | None:
        """What the name means here, or None."""
        scope: Scope | None = self
        while scope is not None:
            if name in scope.names:
                scope.used.add(name)
                return scope.names[name]
            scope = scope.parent
        return None

    def assign(self, name: str, value: Bound) -> Bound | None:
        """Set a name where it already has a number, else here; what stands in the way is returned."""
        scope: Scope | None = self
        while scope is not None:
            if name in scope.names:
                held = scope.names[name]
                if isinstance(held, RegisterArray | Label):
                    return held
                scope.names[name] = value
                return None
            if scope.barrier:
                break
            scope = scope.parent
        self.names[name] = value
        return None

    def visible(self) -> list[str]:
        """All names that can be used here."""
        names: list[str] = []
        scope: Scope | None = self
        while scope is not None:
            names += scope.names
            scope = scope.parent
        return names
