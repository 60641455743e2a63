"""The instruction set: declarations, encoding, decoding, printing and semantics."""

from importlib import import_module

from dstc_isa.isa.volta import VOLTA

SHIPPED_UNITS = ("dstc_isa.units.outer",)
"""Units that come with the package, each declared by the same means as one in a file of the user's."""

for _name in SHIPPED_UNITS:
    import_module(_name)
for _unit in VOLTA.units:
    _unit.shipped = True
VOLTA.ships = False
