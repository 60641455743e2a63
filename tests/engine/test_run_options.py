"""Options of a launch are declared once for callers and once with defaults, and both are the same."""

from typing import Any

import attrs
import pytest

from dstc_isa.engine.launch import LaunchArgumentError
from dstc_isa.engine.run_options import LaunchKeywords, RunKeywords, RunOptions, TimedKeywords
from dstc_isa.errors import ArgumentTypeError, UsageError


def test_keywords_are_the_options() -> None:
    assert {field.name: field.type for field in attrs.fields(RunOptions)} == RunKeywords.__annotations__
    assert set(LaunchKeywords.__annotations__) < set(TimedKeywords.__annotations__) < set(RunKeywords.__annotations__)


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"threads": 0}, UsageError),
        ({"threads": "2"}, ArgumentTypeError),
        ({"max_instructions": 0}, LaunchArgumentError),
        ({"max_instructions": 1.5}, ArgumentTypeError),
        ({"announce": "x"}, ArgumentTypeError),
        ({"progress": 3}, ArgumentTypeError),
        ({"sample": 0}, UsageError),
        ({"sample": 1.1}, UsageError),
        ({"timeout": 0}, UsageError),
        ({"heartbeat": -1}, UsageError),
    ],
)
def test_a_wrong_option_is_named(options: dict[str, Any], error: type[Exception]) -> None:
    (name,) = options
    with pytest.raises(error, match=name):
        RunOptions(**options)


@pytest.mark.parametrize("options", [{"sample": 0.5}, {"check_hazards": True}])
def test_what_only_a_timed_run_takes(options: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="sample and check_hazards go with a timed run"):
        RunOptions(**options).check_untimed()
    RunOptions(progress=print, any_order=True).check_untimed()
