"""What is made of a message of Numba's."""

from dstc_isa.engine.code_rows import shipped
from dstc_isa.engine.compiled import generate
from dstc_isa.engine.compiled.compile_error import causes, guilty, semantics_error
from dstc_isa.engine.compiled.generate import INDENT

MODULE = "<engine>"
MESSAGE = """Failed in nopython mode pipeline (step: nopython frontend)
Failed in nopython mode pipeline (step: native lowering)
Cannot cast Lanes(bool) to Lanes(u32): %".19" = load <32 x i32>
There are 2 candidate implementations:
During: resolving callee type: type(CPUDispatcher(<function put_u32 at 0x7f5b57b25b20>))
During: typing of call at {place} ({line})
"""


def test_every_branch_leads_to_its_instruction() -> None:
    source = generate.source()
    current = None
    seen = set()
    for number, line in enumerate(source.splitlines(), 1):
        if line == "        else:":
            break
        if " operation == " in line:
            current = shipped()[int(line.split("==")[1].split(":")[0])]
        elif current and line.startswith(INDENT):
            assert guilty(MESSAGE.format(place=MODULE, line=number), MODULE, source, shipped()) is current
            seen.add(current)
    assert seen == set(shipped())


def test_the_error_says_where_what_and_why() -> None:
    source = generate.source()
    line = next(n for n, text in enumerate(source.splitlines(), 1) if ".iadd3(" in text)
    text = str(semantics_error(ValueError(MESSAGE.format(place=MODULE, line=line)), MODULE, source, shipped()))
    assert "integer.py:" in text
    assert "IADD3 cannot be compiled:\n  Cannot cast Lanes(bool) to Lanes(u32)\n  expected: " in text


def test_an_error_elsewhere_blames_nobody() -> None:
    source = generate.source()
    text = str(semantics_error(ValueError(MESSAGE.format(place="other.py", line=3)), MODULE, source, shipped()))
    assert text.startswith("the declared instructions cannot be compiled:\n  Cannot cast")


def test_causes_leave_out_candidates_addresses_and_values() -> None:
    assert causes(MESSAGE) == ["Cannot cast Lanes(bool) to Lanes(u32)"]
