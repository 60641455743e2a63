"""``python -m dstc_isa`` is ``dstc-emu``."""

import sys

from dstc_isa.cli.process import emu

if __name__ == "__main__":
    sys.exit(emu())
