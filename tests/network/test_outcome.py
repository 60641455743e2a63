import pytest

from dstc_isa.errors import ShapeError
from dstc_isa.network.errors import NetworkError
from dstc_isa.network.outcome import chosen_layers, in_layer

NAMES = ["conv1", "conv2_a", "conv2_b", "fc"]


@pytest.mark.parametrize(
    ("patterns", "chosen"),
    [
        ([], NAMES),
        (["conv2_*"], ["conv2_a", "conv2_b"]),
        (["fc", "conv1"], ["conv1", "fc"]),
        (["*a", "conv*"], ["conv1", "conv2_a", "conv2_b"]),
        (["!conv2_*"], ["conv1", "fc"]),
        (["!fc", "!conv1"], ["conv2_a", "conv2_b"]),
        (["conv*", "!conv2_a"], ["conv1", "conv2_b"]),
        (["!conv*", "conv2_b"], ["conv2_b", "fc"]),
        (["conv2_b", "!conv*", "fc"], ["fc"]),
    ],
)
def test_chosen_layers(patterns: list[str], chosen: list[str]) -> None:
    assert chosen_layers(NAMES, patterns) == chosen


@pytest.mark.parametrize(
    ("pattern", "chosen"),
    [
        ("a[1]", ["a[1]"]),
        ("a[1]*", ["a[1]", "a[1]b"]),
        ("a?", ["a?"]),
        ("a*", ["a*"]),
        ("!a*", ["a[1]", "a1", "a[1]b", "a?", "b\nc", "!a1"]),
        ("!a1", ["!a1"]),
        ("!!a1", ["a[1]", "a1", "a[1]b", "a?", "a*", "b\nc"]),
        ("a**", ["a[1]", "a1", "a[1]b", "a?", "a*"]),
        ("*" * 40 + "b", ["a[1]b"]),
        ("*\n*", ["b\nc"]),
    ],
)
def test_only_a_star_is_special_and_a_name_means_itself(pattern: str, chosen: list[str]) -> None:
    assert chosen_layers(["a[1]", "a1", "a[1]b", "a?", "a*", "b\nc", "!a1"], [pattern]) == chosen


def test_a_pattern_that_matches_nothing() -> None:
    with pytest.raises(NetworkError, match=r"no layer is named CONV1; there is conv1, conv2_a, conv2_b, fc$"):
        chosen_layers(NAMES, ["fc", "CONV1"])
    with pytest.raises(NetworkError, match="there is 0, 1, 2, 3, 4, 5, 6, 7 and 92 more"):
        chosen_layers([str(n) for n in range(100)], ["x"])
    with pytest.raises(NetworkError, match="no layer is named fd; there is conv1"):
        chosen_layers(NAMES, ["!fd"])
    with pytest.raises(NetworkError, match=r"conv\*,!conv\* leaves no layer to run; there is conv1"):
        chosen_layers(NAMES, ["conv*", "!conv*"])
    with pytest.raises(NetworkError, match="there is none"):
        chosen_layers([], ["x"])


@pytest.mark.parametrize(
    ("error", "mend"), [(ValueError("wrong"), "; help"), (NetworkError("wrong"), ""), (ShapeError("wrong"), "")]
)
def test_errors_of_kernels_name_the_layer_and_what_helps(error: Exception, mend: str) -> None:
    for given, added in (("", ""), ("; help", mend)):
        with pytest.raises(NetworkError) as caught, in_layer("fc", given):
            raise error
        assert str(caught.value) == f"layer fc: wrong{added}"


def test_other_errors_pass() -> None:
    with pytest.raises(KeyError), in_layer("fc"):
        raise KeyError("a")
