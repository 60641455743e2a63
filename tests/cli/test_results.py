"""``--expect`` and ``--print``: what is equal, what is told, what is refused before the run."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from dstc_isa.cli.arguments import InputError
from dstc_isa.cli.emu import main
from dstc_isa.cli.results import Expectation, expectation, shown
from dstc_isa.errors import UsageError

COPY = """.kernel copy
.param .ptr.f32 x, y
    S2R R0, SR_TID.X
    MOV R1, 4
    IMAD.WIDE.U32 R2, R0, R1, x
    LDG.E R4, [R2]
    IMAD.WIDE.U32 R2, R0, R1, y
    STG.E [R2], R4
    EXIT
.endkernel
"""
FLOATS = npst.arrays(np.float32, st.integers(0, 20), elements=st.floats(width=32))


@given(FLOATS, st.floats(0, 2), st.floats(0, 2), st.data())
def test_the_rule_is_that_of_numpy(reference, rtol, atol, data):
    got = data.draw(npst.arrays(np.float32, reference.shape, elements=st.floats(width=32)))
    with np.errstate(all="ignore"):
        wide, other = got.astype(np.longdouble), reference.astype(np.longdouble)
        close = np.isclose(wide, other, rtol=rtol, atol=atol, equal_nan=True)
    right, text = Expectation("y", "r.npy", reference, rtol, atol).compare(got)
    assert right == close.all()
    if not right:
        assert text.startswith(f"y: {(~close).sum()} of {close.size} numbers differ from r.npy")


def test_integers_are_compared_exactly():
    big = np.array([2**63, 2**64 - 1], np.uint64)
    assert Expectation("y", "r", big).compare(big.copy())[0]
    right, text = Expectation("y", "r", big).compare(big - np.uint64(1))
    assert not right
    assert f"y[0] is {2**63 - 1}, expected {2**63}" in text


TYPES = (np.int64, np.uint64, np.int32, np.float64, np.float32, np.float16)


def held(pairs, *types):
    """Pairs of integers that two types hold, floats rounded."""
    most = [int(np.iinfo(each).max if np.dtype(each).kind in "iu" else np.finfo(each).max) for each in types]
    return [each for each in pairs if all(number <= limit for number, limit in zip(each, most, strict=True))]


@pytest.mark.parametrize("second", TYPES)
@pytest.mark.parametrize("first", TYPES)
def test_numbers_of_two_types_are_compared_exactly(first, second):
    """Also where neither type holds all numbers of the other, as with int64 and float64."""
    near = [2**power + by for power in (10, 11, 24, 30, 53, 62, 63) for by in range(-3, 4)]
    pairs = [(number, number + by) for number in near for by in range(-3, 4)]
    got, reference = (
        np.array(each, kind)
        for each, kind in zip(zip(*held(pairs, first, second), strict=True), (first, second), strict=True)
    )
    values = zip(got.tolist(), reference.tolist(), strict=True)
    errors = [abs(Fraction(one) - Fraction(other)) for one, other in values]
    right, text = Expectation("y", "r", reference).compare(got)
    assert right == (not any(errors))
    assert f"largest error {float(max(errors)):.6g}" in text
    if not right:
        assert text.startswith(f"y: {sum(error != 0 for error in errors):,} of {len(errors):,} numbers differ")


def test_first_places_are_told():
    reference = np.zeros((5, 4), np.float32)
    got = reference.copy()
    got[1:4, 2] = [1, np.nan, -3]
    assert Expectation("y", "r.npy", reference).compare(got)[1].split("\n") == [
        "y: 3 of 20 numbers differ from r.npy, largest error 3 at [3, 2]",
        "  y[1, 2] is 1.0, expected 0.0",
        "  y[2, 2] is nan, expected 0.0",
        "  y[3, 2] is -3.0, expected 0.0",
    ]


def test_expectations_as_written(tmp_path):
    path = tmp_path / "a=b,c.npy"
    np.save(path, np.ones(3, np.float32))
    found = expectation(f"y=@{path},rtol=1e-3,atol=2")
    assert (found.name, found.source, found.rtol, found.atol) == ("y", str(path), 1e-3, 2)
    assert expectation("y=full:f4:3:2").reference.tolist() == [2, 2, 2]
    for text, message in (
        ("y", "NAME=VALUE"),
        ("y=3", "write NAME=@FILE.npy"),
        (f"y=@{path},rtol=x", "rtol is a number from 0 on, not 'x'"),
        (f"y=@{path},atol=-1", "atol is a number from 0 on, not '-1'"),
        (f"y=@{path},atol=nan", "atol is a number from 0 on, not 'nan'"),
    ):
        with pytest.raises(UsageError, match=message):
            expectation(text)
    with pytest.raises(InputError, match=r"has shape \(3,\), and the argument y has \(4,\)"):
        found.check_shape(np.zeros(4))


@pytest.mark.parametrize("slices", ["0:8", "::2, -1", "...", "3", "1:, ..., 2", "-3:-1, 1", "5:2:-1", "9:, 0"])
def test_slices_are_those_of_numpy(slices):
    array = np.arange(40).reshape(10, 4)
    part = shown(f"x[{slices}]")
    np.testing.assert_array_equal(part.of(array), eval(f"array[{slices}]", {"array": array}))
    assert part.lines(array).startswith(f"x[{slices}] =\n")
    assert shown("x").lines(array) == f"x =\n{array}"


@pytest.mark.parametrize("text", ["", "x[", "x[a]", "x[1:2:3:4]", "x[1][2]", "x[]]", "3"])
def test_what_is_no_slice(text):
    with pytest.raises(UsageError, match="--print"):
        shown(text)


@pytest.mark.parametrize("text", ["x[9]", "x[1, 1]", "x[::0]", "x[..., ...]"])
def test_what_the_array_has_not(text):
    with pytest.raises(UsageError, match="--print"):
        shown(text).of(np.zeros(4))


def test_run(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "copy.dasm").write_text(COPY)
    np.save("want.npy", np.arange(32, dtype=np.float32))
    command = ["run", "copy.dasm", "--reference", "--arg", "x=arange:f4:32", "--arg", "y=zeros:f4:32"]
    assert main([*command, "--print", "y[2:5]", "--expect", "y=@want.npy"]) == 0
    out = capsys.readouterr().out
    assert "y[2:5] =\n[2. 3. 4.]\n" in out
    assert "y: all 32 numbers are as in want.npy, largest error 0" in out
    assert main([*command, "--expect", "y=full:f4:32:1,atol=30", "--expect", "y=full:f4:32:0,atol=30"]) == 4
    assert "dstc-emu: y: 1 of 32 numbers differ from full:f4:32:0 (rtol 0, atol 30), largest error 31 at [31]" in (
        capsys.readouterr().err
    )
    assert main([*command, "--expect", "z=@want.npy"]) == 2
    assert main([*command, "--print", "y[40]"]) == 2
    assert main([*command, "--expect", "y=full:f4:31:0"]) == 1


def test_warning_of_an_untyped_pointer(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "copy.dasm").write_text(COPY.replace(".ptr.f32", ".ptr"))
    command = ["run", "copy.dasm", "--reference", "--arg", "x=arange:f8:32", "--arg", "y=zeros:f4:32"]
    assert main(command) == 0
    error = capsys.readouterr().err
    assert error.startswith("dstc-emu: warning: parameter x of kernel copy is an untyped pointer and was given")
    (tmp_path / "copy.dasm").write_text(COPY)
    assert main(command) == 1
    assert "x is .ptr.f32" not in error
    assert "is .ptr.f32 and was given an array of float64: x = x.astype(np.float32)" in capsys.readouterr().err
