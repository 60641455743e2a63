"""The models of all instructions: importing a family registers its own, and here are all of them."""

from tests.models import communication, double, floating, integer, logic, memory, packed_integer, structured, tensor
from tests.models.state import LANE_MODELS, WARP_MODELS, apply

FAMILIES = (communication, double, floating, integer, logic, memory, packed_integer, structured, tensor)
__all__ = ["FAMILIES", "LANE_MODELS", "WARP_MODELS", "apply"]
