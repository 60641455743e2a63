import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dstc_isa.timing.dealer import Dealer
from dstc_isa.timing.sample import SamplePlan, plan_sample, plan_whole

LARGEST = 2**31 - 1


def test_breadth_first_over_free_slots_then_ahead() -> None:
    assert Dealer(range(10)).deal([[], [], []], [2, 1, 2], [1, 1, 1]) == [[0, 3, 5], [1, 6], [2, 4, 7]]


@given(st.integers(0, 300), st.lists(st.lists(st.integers(0, 4), min_size=5, max_size=5), max_size=20))
def test_every_cta_is_started_once_and_in_order_on_each_sm(total: int, rounds: list[list[int]]) -> None:
    dealer = Dealer(range(total))
    queues: list[list[int]] = [[] for _ in range(5)]
    started: list[int] = []
    for free in [*rounds, *[[4] * 5] * (total // 20 + 1)]:
        queues = dealer.deal(queues, free, [2] * 5)
        for queue, slots in zip(queues, free, strict=True):
            assert queue == sorted(queue)
            started += queue[:slots]
            del queue[:slots]
    assert sorted(started) == list(range(total))


@pytest.mark.parametrize(
    "chosen", [plan_whole(LARGEST, 80), plan_sample(0.25, LARGEST, 80, 8)], ids=["all", "a quarter"]
)
def test_the_largest_grid_takes_no_more_memory_than_a_small_one(chosen: SamplePlan) -> None:
    tracemalloc.start()
    dealer = Dealer(chosen.ctas)
    queues: list[list[int]] = [[]] * chosen.sms
    for _ in range(20):
        queues = dealer.deal([queue[100:] for queue in queues], [8] * chosen.sms, [100] * chosen.sms)
    assert len(chosen.ctas) + len(chosen.others().steps()) >= LARGEST // 4
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1 << 22
