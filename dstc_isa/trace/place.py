"""Names of CTAs and warps, as they are given and shown."""

from collections.abc import Sequence

from dstc_isa.engine.launch import Launch
from dstc_isa.errors import UsageError

Cta = int | tuple[int, ...]


class UnknownWarp(UsageError):
    """A warp to be looked at that the launch does not have; the message says which there are."""


def cta_number(launch: Launch, cta: Cta, warp: int) -> int:
    """The linear number of a CTA that is given by number or coordinates; UnknownWarp if there is none.

    Numbers count along x first.
    """
    given = cta if isinstance(cta, tuple) else (cta,)
    x, y, _ = launch.grid
    place = tuple(given) + (0,) * (3 - len(given))
    if len(given) == 1 and 0 <= given[0] < launch.ctas:
        place = (given[0] % x, given[0] // x % y, given[0] // (x * y))
    inside = len(place) == 3 and all(0 <= at < extent for at, extent in zip(place, launch.grid, strict=True))
    if not inside or not 0 <= warp < launch.warps:
        raise UnknownWarp(f"log {','.join(map(str, given))}.{warp}: there is no such warp; {_what_there_is(launch)}")
    return place[0] + x * (place[1] + y * place[2])


def _what_there_is(launch: Launch) -> str:
    ctas = f"CTAs are 0 to {launch.ctas - 1}"
    if launch.grid[1:] != (1, 1):
        ctas += f" or 0,0,0 to {','.join(str(extent - 1) for extent in launch.grid)}"
    return f"{ctas}, warps 0 to {launch.warps - 1}"


def cta_name(launch: Launch, identity: Sequence[int]) -> str:
    """A CTA by its number in a grid along x, by its coordinates in another."""
    place = [int(at) for at in identity[:3]]
    return str(place[0]) if launch.grid[1:] == (1, 1) else ",".join(map(str, place))
