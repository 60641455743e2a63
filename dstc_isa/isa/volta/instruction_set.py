"""The instruction set of the modelled machine: Volta's, which units and files of the user's extend."""

from dstc_isa.isa.instruction_set import Isa
from dstc_isa.isa.volta import units
from dstc_isa.isa.volta.word import WORD

VOLTA = Isa("volta", "Volta", WORD, units.ALL)
VOLTA.ships = True
instruction = VOLTA.instruction
