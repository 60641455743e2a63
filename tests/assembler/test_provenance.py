"""Which shared array an access goes through, against a model that follows addresses along each way through a kernel.

The model holds a register as how many times each array's address is in it, or None where that cannot be said.
"""

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.assembler.build import in_kernel, program, warnings

SIZES = {"a": 64, "b": 32, "d": 16}
ARRAYS = "".join(f".shared {name}, {size}\n" for name, size in SIZES.items())
NOTHING = (0, 0, 0)
UNITS = {(1, 0, 0): 1, (0, 1, 0): 2, (0, 0, 1): 3}
ONE = {"": NOTHING, "a": (1, 0, 0), "b": (0, 1, 0), "d": (0, 0, 1)}

Held = tuple[int, ...] | None


def plus(left: Held, right: Held, sign: int = 1) -> Held:
    if left is None or right is None:
        return None
    return tuple(x + sign * y for x, y in zip(left, right, strict=True))


def lost(held: Held) -> Held:
    return NOTHING if held == NOTHING else None


SUMS: dict[str, Callable[[list[Held], int, int, Held], Held]] = {
    "MOV R{d}, R{x}": lambda r, x, y, n: r[x],
    "MOV R{d}, {n}": lambda r, x, y, n: n,
    "IADD3 R{d}, R{x}, {n}, R{y}": lambda r, x, y, n: plus(plus(r[x], n), r[y]),
    "IADD3 R{d}, R{x}, -R{y}, RZ": lambda r, x, y, n: plus(r[x], r[y], -1),
    "IMAD R{d}, R{x}, R{y}, {n}": lambda r, x, y, n: plus(lost(r[x]) if lost(r[y]) == NOTHING else None, n),
    "LEA R{d}, R{x}, R{y}, 2": lambda r, x, y, n: plus(lost(r[x]), r[y]),
    "SHF.L.U32 R{d}, R{x}, 2, RZ": lambda r, x, y, n: lost(r[x]),
    "LDS R{d}, [R{x}+4]": lambda r, x, y, n: NOTHING,
    "S2R R{d}, SR_LANEID": lambda r, x, y, n: NOTHING,
}


@st.composite
def lines(draw: st.DrawFn) -> list[tuple[str, int, int, int, str, bool, int]]:
    """Instructions: text, three registers, array, whether guarded, and where a branch goes or -1."""
    count = draw(st.integers(1, 9))
    made = []
    for _ in range(count):
        branch = draw(st.integers(-12, count))
        text = "BRA" if branch >= 0 else draw(st.sampled_from([*SUMS, "STS [R{x}+{n}], R{y}"]))
        registers = [draw(st.integers(0, 2)) for _ in range(3)]
        array = draw(st.sampled_from(["", *SIZES]))
        made.append((text, *registers, array, draw(st.booleans()), branch))
    return made


def text_of(made: list[tuple[str, int, int, int, str, bool, int]]) -> str:
    rows = []
    for index, (text, d, x, y, array, guarded, branch) in enumerate(made):
        word = f"BRA l{branch}" if branch >= 0 else text.format(d=d, x=x, y=y, n=array or "8")
        rows.append(f"l{index}: {'@P0 ' if guarded else ''}{word}")
    return in_kernel(ARRAYS + "\n".join(rows) + f"\nl{len(made)}: EXIT")


@pytest.mark.slow
@settings(deadline=None, max_examples=200)
@given(lines(), st.lists(st.booleans(), min_size=60, max_size=60))
def test_an_access_through_a_name_is_one_on_every_way(made: list, ways: list[bool]) -> None:
    (kernel,) = program(text_of(made)).kernels
    words = [index for index, n in enumerate(kernel.through or (0,) * len(kernel.words)) if n]
    held: list[Held] = [NOTHING] * 3
    index = 0
    for taken in ways:
        if index == len(made):
            break
        text, d, x, y, array, guarded, branch = made[index]
        if kernel.through and kernel.through[index]:
            found = plus(held[x], ONE[array] if text.startswith("STS") else NOTHING)
            assert found is not None
            assert UNITS.get(found) == kernel.through[index]
            words.remove(index) if index in words else None
        runs = taken or not guarded
        if branch >= 0:
            index = branch if runs else index + 1
            continue
        if runs and text in SUMS:
            held[d] = SUMS[text](held, x, y, ONE[array])
        index += 1


@settings(deadline=None, max_examples=200)
@given(lines())
def test_in_straight_code_every_sum_with_one_name_is_found(made: list) -> None:
    made = [line for line in made if line[6] < 0 and not line[5] and "-R" not in line[0]]
    (kernel,) = program(text_of(made)).kernels
    held: list[Held] = [NOTHING] * 3
    for index, (text, d, x, y, array, _, _) in enumerate(made):
        if text[:3] in ("STS", "LDS"):
            found = plus(held[x], ONE[array] if text.startswith("STS") else NOTHING)
            expected = UNITS.get(found, 0) if found is not None else 0
            assert (kernel.through[index] if kernel.through else 0) == expected
        if text in SUMS:
            held[d] = SUMS[text](held, x, y, ONE[array])


def through(body: str, before: str = "") -> list[int]:
    """Of the accesses of a body, in order: 0 for none, else one more than the index of the array."""
    (kernel,) = program(in_kernel(ARRAYS + body + "\nEXIT", before)).kernels
    numbers = kernel.through or (0,) * len(kernel.words)
    return [numbers[i] for i, word in enumerate(kernel.words) if word & 0x1FF in (0x184, 0x188, 0x18C, 0x18D)]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("STS [b+4], R0", [2]),
        ("STS [R1+b+4*3-8], R0", [2]),
        ("STS [R1-8+d], R0", [3]),
        ("STS [R1+2*b], R0", [0]),
        ("STS [R1+b-a], R0", [0]),
        ("STS [R1+(b|4)], R0", [0]),
        ("STS [R1+64], R0", [0]),
        ("ATOMS.ADD R1, [R2+d], R3", [3]),
        ("ATOMS.CAS R1, [R2+d], R3, R4", [3]),
        (".set there, b + 8\nLDS R0, [R1+there]", [2]),
        (".set apart, b - a\nLDS R0, [R1+a+apart]", [0]),
        (".for at, b, b + 32, 16\nLDS R0, [R1+at]\n.endfor", [2, 2]),
        (".for step, 0, b - a + 1, b - a\nLDS R0, [R1+a+step]\n.endfor", [0, 0]),
        (".reg at[2]\nMOV at[1], d\nLDS R0, [at[1]+4]", [3]),
        ("MOV R1, a\n@P0 MOV R1, b\nLDS R0, [R1]", [0]),
        ("MOV R1, a\n@P0 IADD3 R1, R1, 16, RZ\nLDS R0, [R1]", [1]),
        ("MOV R1, a\nx: IADD3 R1, R1, 4, RZ\nLDS R0, [R1]\n@P0 BRA x\nLDS R0, [R1]", [1, 1]),
        ("MOV R1, a\nx: LDS R0, [R1]\nIADD3 R1, R1, b - a, RZ\n@P0 BRA x", [0]),
        ("MOV R1, a\nLOP3.LUT R1, R1, R2, RZ, 0x3c\nLDS R0, [R1]", [0]),
        ("MOV R1, a\nSHFL.IDX PT, R1, R1, 0, 0x1f\nLDS R0, [R1]", [0]),
        ("MOV R1, a\nIMAD R1, R1, R2, RZ\nLDS R0, [R1]", [0]),
        ("MOV R1, a\nIADD3 R1, R1, R1, RZ\nLDS R0, [R1]", [0]),
        ("IMAD.WIDE.U32 R4, R1, R2, a\nIMAD.WIDE R4, R1, R2, R4\nLDS R0, [R4]\nLDS R0, [R5]", [1, 0]),
        ("MOV R1, a\nIADD3 R1, R2, -R1, RZ\nLDS R0, [R1]", [0]),
        ("MOV R7, a\nIMAD.HI R4, R1, R2, R6\nLDS R0, [R4+b]", [0]),
        ("MOV R1, a\n.word 0x1\nLDS R0, [R1]\nLDS R0, [b]", [0, 2]),
        ("MOV R1, a\nRET.REL.NODEC R20\nLDS R0, [R1]\nLDS R0, [R1+b]", [0, 0]),
    ],
)
def test_names_are_followed(body: str, expected: list[int]) -> None:
    assert through(body) == expected


def test_a_macro_is_given_an_array() -> None:
    assert through("M b\nM d + 4", ".macro M base\nSTS [R0+base+8], R1\n.endm") == [2, 3]
    assert through("M b - a", ".macro M base\nSTS [R0+a+base], R1\n.endm") == [0]


def test_a_fixed_place_beyond_the_array_that_it_names() -> None:
    assert warnings(ARRAYS + "LDS R0, [b+32]\nSTS [d+15], R0\nSTS [a], R0\nEXIT") == [
        "byte 32 is outside shared array b, which has 32 bytes"
    ]
    assert warnings(ARRAYS + "LDS R0, [b-1]\nSTS [d], R0\nSTS [a], R0\nEXIT") == [
        "byte -1 is outside shared array b, which has 32 bytes"
    ]


def test_one_array_needs_no_names() -> None:
    (kernel,) = program(in_kernel(".shared a, 16\nSTS [R0+a], R1\nEXIT")).kernels
    assert kernel.through == ()
