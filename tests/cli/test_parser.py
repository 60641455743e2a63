import argparse
import os
import subprocess
import sys

import pytest

from dstc_isa.cli.asm import arguments
from dstc_isa.cli.emu import main, parser
from dstc_isa.cli.parser import CommandParser
from dstc_isa.cli.terminal import Colour, Verbosity, manner


def refusal(capsys: pytest.CaptureFixture[str], line: str) -> list[str]:
    """The lines of the error about a command line."""
    with pytest.raises(SystemExit) as stop:
        main(line.split())
    assert stop.value.code == 2
    out, err = capsys.readouterr()
    assert out == ""
    return err.splitlines()


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("rum x.dasm", "dstc-emu: there is no command 'rum'; did you mean run?"),
        ("--versoin", "dstc-emu: there is no option --versoin; did you mean --version?"),
        ("run k.dasm --foo", "dstc-emu run: there is no option --foo"),
        ("run --gird=8 k.dasm", "dstc-emu run: there is no option --gird; did you mean --grid?"),
        ("run --func k.dasm", "dstc-emu run: there is no option --func; did you mean --functional?"),
        ("run k.dasm -Z", "dstc-emu run: there is no option -Z"),
        ("run one.dasm two.dasm", "dstc-emu run: 'two.dasm' is one argument too many"),
        ("gpu shw", "dstc-emu gpu: there is no action 'shw'; did you mean show?"),
        ("gpu show v100 --sets x=1", "dstc-emu gpu show: there is no option --sets; did you mean --set?"),
        ("sweep spgem", "dstc-emu sweep: there is no subject 'spgem'; did you mean spgemm?"),
        ("spgemm --kernel spgem", "dstc-emu spgemm: argument --kernel: there is no 'spgem'; did you mean spgemm?"),
        ("run --color blue k.dasm", "dstc-emu run: argument --color: there is no 'blue'; there is auto, always, never"),
        ("run k.dasm --timeout x", "dstc-emu run: --timeout takes a number, not 'x'"),
        ("run k.dasm --threads 1.5", "dstc-emu run: --threads takes a whole number, not '1.5'"),
        ("run k.dasm --out y=- --json -", "dstc-emu run: 2 things would go to standard output (-)"),
        ("help rnu", "dstc-emu: there is no command 'rnu'; did you mean run?"),
    ],
)
def test_one_sentence_and_the_usage_of_that_command(
    capsys: pytest.CaptureFixture[str], line: str, message: str
) -> None:
    first, usage = refusal(capsys, line)
    assert first.startswith(message)
    assert usage.startswith(f"  usage: {message.partition(':')[0]} [options]")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("run k.dasm --grid x", "dstc-emu run: --grid takes whole numbers"),
        ("run k.dasm --threads 0", "dstc-emu run: --threads is 1 to 256, not 0"),
        ("run k.dasm --timeout 0", "dstc-emu run: --timeout is a number of seconds above 0"),
        ("run k.dasm --gpu v1000", "dstc-emu run: "),
        ("spgemm --random 8,8", "dstc-emu spgemm: --random takes 3 numbers, not 2"),
        ("gpu show v100 --set foo=1", "dstc-emu gpu show: --set foo=1: no parameter is called foo"),
        ("sweep spgemm --m 8 --n 8 --k 8 --vary foo=1 -o no", "dstc-emu sweep spgemm: --vary foo=1: no parameter is"),
        ("sweep spgemm --m 8 --n 8 --k 8 --set foo=1 -o no", "dstc-emu sweep spgemm: --set foo=1: no parameter is"),
        ("network vg16 -o no", "dstc-emu network: vg16: no network of that name"),
        ("isa FOO", "dstc-emu isa: there is no instruction FOO"),
        ("validate --only foo", "dstc-emu validate: --only: there is no group foo"),
    ],
)
def test_what_a_command_refuses_is_told_as_the_parser_tells_it(
    capsys: pytest.CaptureFixture[str], line: str, message: str
) -> None:
    assert main(line.split()) == 2
    out, err = capsys.readouterr()
    first, usage = err.splitlines()
    assert not out
    assert first.startswith(message)
    assert usage.startswith(f"  usage: {message.partition(':')[0]} [options]")


def test_usage_names_what_is_needed(capsys: pytest.CaptureFixture[str]) -> None:
    assert refusal(capsys, "run")[1] == "  usage: dstc-emu run [options] PROG; --help says more"
    assert refusal(capsys, "sweep spgemm")[1].startswith("  usage: dstc-emu sweep spgemm [options] --m M --n N --k K ")


def test_values_that_look_like_options_are_values() -> None:
    options = parser().parse_args(["run", "k.dasm", "--block", "-1", "--arg", "n=--x", "-I.", "--", "--odd.dasm"][:7])
    assert (options.block, options.arg, [str(path) for path in options.include]) == ("-1", ["n=--x"], ["."])
    assert str(parser().parse_args(["run", "--", "--odd.dasm"]).program) == "--odd.dasm"


@pytest.mark.parametrize("words", [[], ["run"], ["gpu", "show"], ["sweep", "spgemm"]])
def test_help_command(capsys: pytest.CaptureFixture[str], words: list[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["help", *words])
    assert stop.value.code == 0
    shown = capsys.readouterr().out
    assert shown.startswith(f"usage: {' '.join(['dstc-emu', *words])} ")
    with pytest.raises(SystemExit):
        main([*words, "--help"])
    assert capsys.readouterr().out == shown
    assert "3 kernel faulted or stopped" in " ".join(shown.split())


@pytest.mark.parametrize(
    ("line", "verbosity", "colour"),
    [
        ("gpu list", Verbosity.NORMAL, Colour.AUTO),
        ("-q gpu list", Verbosity.QUIET, Colour.AUTO),
        ("gpu list -q", Verbosity.QUIET, Colour.AUTO),
        ("gpu -v list --color=never", Verbosity.VERBOSE, Colour.NEVER),
        ("--color always gpu list -v", Verbosity.VERBOSE, Colour.ALWAYS),
        ("--color always gpu --color never list", Verbosity.NORMAL, Colour.NEVER),
    ],
)
def test_manner_is_given_anywhere(line: str, verbosity: Verbosity, colour: Colour) -> None:
    assert main(line.split()) == 0
    assert (manner().verbosity, manner().colour) == (verbosity, colour)
    assert main(["gpu", "list"]) == 0
    assert manner().verbosity is Verbosity.NORMAL


def leaves(command: CommandParser) -> list[CommandParser]:
    """A command's commands that have none of their own."""
    return [leaf for each in command.commands.values() for leaf in leaves(each)] if command.commands else [command]


VALUES = [
    (leaf, action)
    for leaf in [*leaves(parser()), arguments()]
    for action in leaf._actions
    if action.nargs in (None, "?", "*")
]


@pytest.mark.parametrize(("leaf", "action"), VALUES, ids=[f"{leaf.prog} {action.dest}" for leaf, action in VALUES])
@pytest.mark.parametrize("text", ["", " "])
def test_no_value_is_an_empty_text(
    capsys: pytest.CaptureFixture[str], leaf: CommandParser, action: argparse.Action, text: str
) -> None:
    forms = [[*action.option_strings[-1:], text]]
    if action.option_strings and action.option_strings[-1].startswith("--"):
        forms.append([f"{action.option_strings[-1]}={text}"])
    for words in forms:
        with pytest.raises(SystemExit) as stop:
            leaf.parse_args(words)
        assert stop.value.code == 2
        message = capsys.readouterr().err
        assert message.startswith(f"{leaf.prog}: argument ")
        assert ", not an empty text\n" in message


def test_every_command_has_a_function_and_help() -> None:
    for leaf in leaves(parser()):
        assert leaf.format_help().startswith("usage: dstc-emu ")
        assert leaf.get_default("run") or leaf.prog.startswith(("dstc-emu gpu", "dstc-emu sweep"))


def test_module_is_the_command() -> None:
    environment = {**os.environ, "COLUMNS": "80"}
    done = subprocess.run(
        [sys.executable, "-m", "dstc_isa", "--version"], capture_output=True, text=True, check=True, env=environment
    )
    assert done.stdout.startswith("dstc-isa ")
