"""Hazards that a checked run found, in lines."""

from dstc_isa.report.hazards import HazardReport

SHOWN = 20


def hazard_text(hazards: list[HazardReport]) -> str:
    """The first of them, and how many there are."""
    lines = [str(hazard) for hazard in hazards[:SHOWN]]
    if len(hazards) > SHOWN:
        lines.append(f"and {len(hazards) - SHOWN} more")
    return "\n".join([*lines, f"{len(hazards)} hazard{'s' if len(hazards) > 1 else ''} in the kernel's control codes"])
