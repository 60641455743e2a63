"""The functional units of a Volta sub-core."""

from dstc_isa.isa.unit import Unit

ALU = Unit("ALU", "integer and logic")
FMA = Unit("FMA", "FP32 multiply and add")
IMAD = Unit("IMAD", "integer multiply and add")
FP16 = Unit("FP16", "packed FP16")
FP64 = Unit("FP64", "double precision", reads_late=True)
SFU = Unit("SFU", "special functions, conversions and special registers")
POPC = Unit("POPC", "population count and bit search")
LSU = Unit("LSU", "load and store", reads_late=True, memory=True)
HMMA = Unit("HMMA", "inner-product tensor core", floats=True)
BRANCH = Unit("BRANCH", "branch and convergence", branches=True)
CONTROL = Unit("CONTROL", "no execution pipe")
ALL = (ALU, FMA, IMAD, FP16, FP64, SFU, POPC, LSU, HMMA, BRANCH, CONTROL)
