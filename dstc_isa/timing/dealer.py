"""Hands CTAs to SMs: in order, to SMs with room first, a few ahead so that an SM need not wait for the next epoch."""

from collections.abc import Iterator, Sequence

from attrs import define, field

QUEUE = 1024


@define
class Dealer:
    """The CTAs of a launch, ascending: which are not yet dealt, and those that SMs have given back."""

    ctas: Sequence[int]
    next: int = 0
    returned: list[int] = field(factory=list)

    def deal(self, queued: list[list[int]], free: list[int], ahead: list[int]) -> list[list[int]]:
        """New queues of all SMs, in place of ``queued``.

        ``free``: CTA slots that are empty. ``ahead``: CTAs an SM should hold in reserve. What is still queued is dealt
        again, so that at the end no SM waits for work that another has in reserve.
        """
        back = sorted([*self.returned, *(cta for queue in queued for cta in queue)])
        wanted = [min(QUEUE, f + a) for f, a in zip(free, ahead, strict=True)]
        fresh = self.ctas[self.next : self.next + max(0, sum(wanted) - len(back))]
        self.next += len(fresh)
        pool = iter([*back, *fresh])
        queues: list[list[int]] = [[] for _ in queued]
        for limits in (free, wanted):
            self._round(queues, [min(limit, QUEUE) for limit in limits], pool)
        self.returned = list(pool)
        return queues

    def _round(self, queues: list[list[int]], limits: list[int], pool: Iterator[int]) -> None:
        open_queues = [(queue, limit) for queue, limit in zip(queues, limits, strict=True) if len(queue) < limit]
        while open_queues:
            for queue, _ in open_queues:
                cta = next(pool, None)
                if cta is None:
                    return
                queue.append(cta)
            open_queues = [(queue, limit) for queue, limit in open_queues if len(queue) < limit]
