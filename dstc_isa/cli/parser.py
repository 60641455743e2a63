"""The parser of all commands: exact names, one-sentence errors with a near name, options that every command has."""

import argparse
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NoReturn

from dstc_isa.cli.status import STATUSES, Status
from dstc_isa.cli.terminal import Colour, Manner, Verbosity, speak
from dstc_isa.whole_file import STANDARD_OUTPUT

END_OF_OPTIONS = "--"
_NUMBERS: dict[object, str] = {int: "a whole number", float: "a number"}


class CommandParser(argparse.ArgumentParser):
    """An ArgumentParser that takes no abbreviations and no empty texts, and says what was perhaps meant.

    Its errors are one sentence and how to get the help of the command in which they are. Sub-commands get parsers of
    the same class. ``top``: whether it is no sub-command's. The help ends with what exit statuses mean.
    """

    def __init__(self, *, epilog: str = "", top: bool = False, **settings: Any) -> None:
        settings.setdefault("formatter_class", argparse.RawDescriptionHelpFormatter)
        super().__init__(**settings, epilog=f"{epilog}\n{STATUSES}" if epilog else STATUSES, allow_abbrev=False)
        self.commands: Mapping[str, argparse.ArgumentParser] = {}
        self.what = ""
        self.set_defaults(parser=self)
        add_manner_options(self, default=top)

    def add_commands(self, destination: str, what: str) -> "argparse._SubParsersAction[CommandParser]":
        """Room for sub-commands; ``what`` they are called in messages: ``command``."""
        commands = self.add_subparsers(dest=destination, required=True, metavar=what.upper())
        self.commands = commands.choices
        self.what = what
        return commands

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> tuple[Any, list[str]]:
        """Parse; names that are not known are errors of this command."""
        words = [*args] if args is not None else sys.argv[1:]
        self._check_names(words)
        options, rest = super().parse_known_args(words, namespace)
        if rest:
            self.error(f"{rest[0]!r} is one argument too many")
        return options, []

    def _check_names(self, words: Sequence[str]) -> None:
        rest = iter(words)
        for word in rest:
            if word == END_OF_OPTIONS:
                return
            if not word.startswith("-"):
                if self.commands:
                    if word not in self.commands:
                        self.error(f"there is no {self.what} {word!r}{nearest(word, self.commands)}")
                    return
                continue
            name = word.partition("=")[0] if word.startswith("--") else word[:2]
            if name[1:2].isalpha() or name.startswith("--"):
                action = self._option_string_actions.get(name)
                if action is None:
                    self.error(f"there is no option {name}{nearest(name, self._option_string_actions)}")
                if action.nargs is None and word == name:
                    next(rest, None)  # its value

    def _get_values(self, action: argparse.Action, arg_strings: list[str]) -> Any:
        """The value of an argument; an empty text names nothing, and Python takes it for the current directory."""
        if action.nargs != argparse.PARSER and not all(text.strip() for text in arg_strings):
            raise argparse.ArgumentError(action, f"expected {_value_of(action)}, not an empty text")
        return super()._get_values(action, arg_strings)

    def _get_value(self, action: argparse.Action, arg_string: str) -> Any:
        """One value; a text that is no number is refused with what a number's kind is called."""
        kind = _NUMBERS.get(action.type)
        try:
            return super()._get_value(action, arg_string)
        except argparse.ArgumentError:
            if kind is None:
                raise
            raise argparse.ArgumentError(
                None, f"{action.option_strings[-1]} takes {kind}, not {arg_string!r}"
            ) from None

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is not None and value not in action.choices:
            near = nearest(value, action.choices) or f"; there is {', '.join(map(str, action.choices))}"
            raise argparse.ArgumentError(action, f"there is no {value!r}{near}")

    def error(self, message: str) -> NoReturn:
        """Say what is wrong and where help is; exit status 2."""
        self.exit(Status.USAGE, f"{self.prog}: {message}\n{self.reminder()}\n")

    def reminder(self) -> str:
        """The line below an error: how the command is written, and where help is."""
        needed = [action for action in self._actions if not action.option_strings or action.required]
        words = " ".join(_form(action) for action in needed)
        return f"  usage: {self.prog} [options]{words and ' '}{words}; --help says more"


def _value_of(action: argparse.Action) -> str:
    """What stands for the value in the help."""
    if action.metavar is None and action.choices is not None:
        return " or ".join(map(str, action.choices))
    return str(action.metavar or action.dest)


def _form(action: argparse.Action) -> str:
    """How an argument or a required option is written."""
    value = str(action.metavar or action.dest)
    text = " ".join([*action.option_strings[-1:], value])
    return {"?": f"[{text}]", "*": f"[{text} ...]"}.get(str(action.nargs), text)


def nearest(word: str, known: Iterable[str]) -> str:
    """``; did you mean NAME?`` if there is a near one."""
    from difflib import get_close_matches

    near = get_close_matches(word, [*known], 1)
    return f"; did you mean {near[0]}?" if near else ""


class _Version(argparse.Action):
    """``--version``; which one is found out only when it is asked for."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> NoReturn:
        from importlib.metadata import version

        sys.stdout.write(f"dstc-isa {version('dstc-isa')}\n")
        parser.exit()


def add_version(parser: argparse.ArgumentParser) -> None:
    """Add ``--version``."""
    parser.add_argument("--version", action=_Version, nargs=0, help="show program's version number and exit")


def add_manner_options(parser: argparse.ArgumentParser, *, default: bool = True) -> None:
    """Add the options that every command has; without a default, one given earlier on the line holds."""
    group = parser.add_argument_group("how it is told")
    group.add_argument(
        "-q",
        dest="verbosity",
        action="store_const",
        const=Verbosity.QUIET,
        default=Verbosity.NORMAL if default else argparse.SUPPRESS,
        help="print no report and no progress",
    )
    group.add_argument(
        "-v",
        dest="verbosity",
        action="store_const",
        const=Verbosity.VERBOSE,
        default=argparse.SUPPRESS,
        help="print tables in full",
    )
    group.add_argument(
        "--color",
        choices=[colour.value for colour in Colour],
        default=Colour.AUTO if default else argparse.SUPPRESS,
        metavar="WHEN",
        help="auto (default: on a terminal, as NO_COLOR and FORCE_COLOR say), always or never",
    )


def parse(parser: CommandParser, arguments: Sequence[str] | None) -> argparse.Namespace:
    """The options, with the ``command_line`` itself and the command's ``parser``; it speaks as they say from here on.

    Standard output that one of them takes (``-``) has no other text.
    """
    words = sys.argv[1:] if arguments is None else [*arguments]
    options = parser.parse_args(words)
    options.command_line = [parser.prog, *words]
    places = [getattr(options, name, None) for name in ("json", "output", "log_file")]
    places += [text.partition("=")[2] for text in getattr(options, "out", [])]
    taken = [str(place) for place in places].count(STANDARD_OUTPUT)
    if taken > 1:
        options.parser.error(f"{taken} things would go to standard output (-): give a file for each but one")
    speak(Manner(Colour(options.color), options.verbosity, report=not taken))
    return options
