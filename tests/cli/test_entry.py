import errno
from collections.abc import Callable

import pytest

from dstc_isa.assembler import AssemblyError
from dstc_isa.cli.entry import message, run_command
from dstc_isa.cli.parser import CommandParser
from dstc_isa.cli.status import STATUSES, Status
from dstc_isa.diagnostics import ERROR, Diagnostic
from dstc_isa.engine.launch import LaunchArgumentError, LaunchError
from dstc_isa.errors import DstcError, UsageError
from dstc_isa.gpu import GpuError, load_gpu
from dstc_isa.gpu.loader import GpuOptionError

TOOL = CommandParser(prog="tool run")


def raising(error: BaseException) -> Callable[[], int]:
    def command() -> int:
        raise error

    return command


@pytest.mark.parametrize(
    ("error", "status", "told"),
    [
        (DstcError("no"), 1, "tool: no\n"),
        (UsageError("--x is 1"), 2, "tool run: --x is 1\n  usage: tool run [options]; --help says more\n"),
        (LaunchError("too large"), 1, "tool: too large\n"),
        (
            LaunchArgumentError("no parameter b"),
            2,
            "tool run: no parameter b\n  usage: tool run [options]; --help says more\n",
        ),
        (OSError(errno.ENOSPC, "No space left on device", "c.npy"), 1, "tool: c.npy: No space left on device\n"),
        (OSError(errno.ENOSPC, "No space left on device"), 1, "tool: standard output: No space left on device\n"),
        (MemoryError("Unable to allocate"), 1, "tool: Unable to allocate\n"),
        (MemoryError(), 1, "tool: MemoryError\n"),
        (AssemblyError([Diagnostic(ERROR, "no", "k.dasm", 3, 1)]), 1, "k.dasm:3:1: error: no\n"),
        (KeyboardInterrupt(), 130, "tool: interrupted\n"),
    ],
)
def test_errors_become_a_sentence_and_a_status(
    capsys: pytest.CaptureFixture[str], error: BaseException, status: int, told: str
) -> None:
    assert run_command("tool", raising(error), TOOL) == status
    assert capsys.readouterr() == ("", told)


def test_a_mistake_of_ours_is_not_hidden() -> None:
    with pytest.raises(ZeroDivisionError):
        run_command("tool", raising(ZeroDivisionError()), TOOL)


def test_notes_stand_below() -> None:
    error = UsageError("no")
    error.add_note("this is how")
    assert message("tool", error) == "tool: no\n  this is how"


def test_status_of_a_command_is_kept() -> None:
    assert run_command("tool", lambda: Status.FINDING, TOOL) == 4


def test_every_status_is_explained() -> None:
    assert all(f" {status} " in STATUSES.replace("\n", " ") for status in Status)


def test_a_gpu_is_wrong_by_name_by_setting_or_by_file(tmp_path) -> None:
    file = tmp_path / "own.toml"
    file.write_text('extends = "v100"\n[sm]\ncount = { v = 0, src = "OURS" }\n')
    for name, settings, by_option in (
        ("nope", [], True),
        ("v100", ["sm.count=0"], True),
        ("v100", ["sm.cuont=1"], True),
        ("v100", ["l2.bytes=1000"], True),
        (str(file), [], False),
        (str(tmp_path / "none.toml"), [], False),
    ):
        with pytest.raises(GpuError) as caught:
            load_gpu(name, settings)
        assert isinstance(caught.value, GpuOptionError) == by_option, name
