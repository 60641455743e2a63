"""DRAM of the modelled GPU: what it has moved, until when it is busy, and what waits to be written."""

from attrs import define

from dstc_isa.gpu import Gpu


@define
class Dram:
    """What DRAM has done for the whole GPU: ``sectors`` moved, busy ``until`` a cycle, sectors ``unwritten`` in L2."""

    gpu: Gpu
    sectors: float = 0.0
    until: float = 0.0
    unwritten: float = 0.0

    @property
    def sectors_per_cycle(self) -> float:
        """Bandwidth, of the whole GPU."""
        return self.gpu.dram.bandwidth_gb_s * 1e3 / self.gpu.clock_mhz / self.gpu.l1.sector_bytes

    def charge(self, loaded: float, stored: float, begin: int, length: int) -> None:
        """Count what DRAM moved in an epoch; what takes longer than it delays the next one.

        Loads go first. What was stored stays in L2 until DRAM is idle, as long as L2 has room for it.
        """
        per_cycle = self.sectors_per_cycle
        room = self.gpu.l2.bytes // self.gpu.l1.sector_bytes
        self.until = max(self.until, begin) + loaded / per_cycle
        self.unwritten += stored
        written = min(self.unwritten, max(0.0, begin + length - self.until) * per_cycle)
        if self.unwritten - written > room:
            forced = self.unwritten - written - room
            self.until = max(self.until, begin + length) + forced / per_cycle
            written += forced
        self.unwritten -= written
        self.sectors += loaded + written
