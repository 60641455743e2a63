"""Record layouts: fields lie one behind the other, and Python and compiled code mean the same place by a name."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from dstc_isa.engine import launch_records, tracker_records
from dstc_isa.engine.compiled.jit import entry
from dstc_isa.engine.compiled.record_views import record_at, register
from dstc_isa.engine.record_layout import RecordLayout, addresses, pointer, put
from dstc_isa.isa.unit import Cell
from dstc_isa.timing import hazard_records, model_records
from dstc_isa.trace.compiled import step_record

MODULES = (launch_records, tracker_records, model_records, hazard_records, step_record)
VALUES = [each for module in MODULES for each in vars(module).values()]
LAYOUTS = list(dict.fromkeys(each for each in VALUES if isinstance(each, RecordLayout)))
NAMES = [found.name for found in LAYOUTS]

OWN = {
    np.int64: RecordLayout("own 64", {"one": "a word", "three": Cell("words", 3), "last": Cell("one more", first=-5)}),
    np.int32: RecordLayout("own s32", {"one": "a word", "three": Cell("words", 3), "last": "one more"}, np.int32),
    np.uint32: RecordLayout("own u32", {"one": "a word", "three": Cell("words", 3), "last": "one more"}, np.uint32),
}


def test_names_tell_layouts_apart() -> None:
    assert len(NAMES) > 20
    assert len(set(NAMES)) == len(NAMES)


@pytest.mark.parametrize("layout", LAYOUTS, ids=NAMES)
def test_fields_fill_a_record(layout: RecordLayout) -> None:
    size = np.dtype(layout.word).itemsize
    places = [layout.offset(name) for name in layout.fields]
    for (first, cell), following in zip(
        zip(places, layout.fields.values(), strict=True), [*places[1:], layout.nbytes], strict=True
    ):
        assert following - first == size * cell.words
    assert all(cell.meaning for cell in layout.fields.values())


@pytest.mark.parametrize("layout", LAYOUTS, ids=NAMES)
def test_records_begin_as_declared(layout: RecordLayout) -> None:
    made = layout.new((2, 3))
    for name, cell in layout.fields.items():
        assert made[name].shape == ((2, 3, cell.words) if cell.words > 1 else (2, 3))
        assert (made[name] == cell.first).all()


def test_records_are_told_values_by_name() -> None:
    layout = OWN[np.int64]
    made = layout.new(2, one=[3, 4])
    assert made["one"].tolist() == [3, 4]
    put(made[1, ...], three=[7, 8, 9], last=True)
    assert [row.item()[0] for row in made] == [3, 4]
    assert made["three"].tolist() == [[0, 0, 0], [7, 8, 9]]
    assert made["last"].tolist() == [-5, 1]
    steps = [end - start for start, end in pairwise([made.ctypes.data, *addresses(made).tolist()])]
    assert steps == [0, layout.nbytes]


@pytest.mark.parametrize("word", OWN)
def test_compiled_code_reads_what_python_wrote_and_the_other_way_round(word: Any) -> None:
    register()
    layout = OWN[word]
    own_at = record_at(layout)

    @entry
    def turn(source: int, target: int) -> None:
        """Copy the second record, turned round and halved, to the third."""
        old, new = own_at(source, 1), own_at(target, 2)
        new.one = old.last >> 1
        for place in range(3):
            new.three[place] = old.three[2 - place] >> 1
        new.last = old.one >> 1

    low, high = int(np.iinfo(word).min), int(np.iinfo(word).max)
    made = layout.new(3)
    made[1] = (high, [low, 2, high], low)
    turn(made.ctypes.data, made.ctypes.data)
    assert made[2]["one"] == low >> 1
    assert made[2]["three"].tolist() == [high >> 1, 1, low >> 1]
    assert made[2]["last"] == high >> 1
    assert made[0].item()[0] == 0


POINTING = RecordLayout(
    "pointing",
    {
        "number": "no pointer",
        "words": pointer("words", np.int64),
        "own": pointer("a record's own row", np.uint8, rows=True),
        "others": pointer("other records, or 0", OWN[np.int64]),
    },
)


def arrays(**other: Any) -> dict[str, Any]:
    usual = {"words": np.zeros(3, np.int64), "own": np.zeros((2, 5), np.uint8), "others": OWN[np.int64].new(4)}
    return {**usual, **other}


def test_pointers_are_set_together() -> None:
    made = POINTING.new(2, number=7)
    kept = POINTING.point(made, **arrays())
    assert made["number"].tolist() == [7, 7]
    for name in ("words", "others"):
        assert made[name].tolist() == [kept[name].ctypes.data] * 2
    assert made["own"].tolist() == [kept["own"].ctypes.data, kept["own"].ctypes.data + 5]
    assert POINTING.point(made, **arrays(others=None)).keys() == {"words", "own"}
    assert made["others"].tolist() == [0, 0]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"number": np.zeros(1, np.int64)}, "pointing: number is no pointer"),
        ({"elsewhere": None}, "pointing: elsewhere is no pointer"),
        ({"words": np.zeros(3, np.int32)}, "pointing: words points to int64"),
        ({"words": np.zeros((3, 2), np.int64)[:, 0]}, "pointing: words points to int64, one behind the other"),
        ({"others": OWN[np.int32].new(4)}, "pointing: others points to"),
        ({"own": np.zeros(2, np.uint8)[0, ...]}, "pointing: own points to a row for each record"),
        ({"own": np.zeros((1, 5), np.uint8)}, "pointing: own points to a row for each record"),
    ],
)
def test_what_is_no_array_of_a_pointer(given: dict[str, Any], message: str) -> None:
    with pytest.raises(TypeError, match=message):
        POINTING.point(POINTING.new(2), **arrays(**given))


def test_no_pointer_is_left_out() -> None:
    with pytest.raises(TypeError, match="pointing: others points to an array that is not given"):
        POINTING.point(POINTING.new(2), words=np.zeros(1, np.int64), own=np.zeros((2, 1), np.uint8))
