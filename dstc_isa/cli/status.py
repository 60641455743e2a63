"""How a command ends, for whoever calls it: the exit statuses of all commands."""

from enum import IntEnum
from textwrap import fill


class Status(IntEnum):
    """An exit status. What is wrong on the command line itself is USAGE, what is wrong in a file is REFUSED."""

    DONE = 0
    REFUSED = 1
    USAGE = 2
    FAULT = 3
    FINDING = 4
    INTERRUPTED = 130
    CLOSED_PIPE = 141


MEANING = {
    Status.DONE: "done",
    Status.REFUSED: "program or input refused",
    Status.USAGE: "wrong command line",
    Status.FAULT: "kernel faulted or stopped",
    Status.FINDING: "done, with a hazard or another finding",
    Status.INTERRUPTED: "interrupted",
    Status.CLOSED_PIPE: "the output's reader has gone",
}
STATUSES = fill("Exit status: " + ", ".join(f"{status} {meaning}" for status, meaning in MEANING.items()) + ".", 80)
"""What the help of every command ends with."""
