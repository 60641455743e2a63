"""The report of a command or a call as plain data: one form for all of them, published in docs/report.schema.json."""

import datetime
import sys
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any

from dstc_isa.gpu import Gpu
from dstc_isa.isa.identity import EXTENSION_PREFIX
from dstc_isa.report.statistics import RunStatistics

SCHEMA = 1
"""Version of the form. A key that is added leaves it as it is; one that goes or changes its meaning raises it."""

PACKAGE = "dstc-isa"


def document(
    command: str,
    launches: Sequence[RunStatistics],
    result: Mapping[str, Any],
    *,
    command_line: Sequence[str] | None = None,
    gpu: Gpu | None = None,
    seeds: Mapping[str, int] | None = None,
    status: str = "done",
    message: str | None = None,
) -> dict[str, Any]:
    """The report of ``command``, or of the function of that name, for ``json.dump``.

    ``launches``: kernels in the order they ran. ``result``: what only this command has. ``command_line``: as it was
    typed, None from Python. ``gpu``: what was timed on, if no launch says it. ``status``: "done", "finding", "fault"
    or "refused", of which ``message`` tells.
    """
    timed = next((launch.timing for launch in launches if launch.timing is not None), None)
    machine = None
    if gpu is not None:
        machine = {"name": gpu.name, "settings": gpu.settings}
    elif timed is not None:
        machine = {"name": timed.gpu, "settings": timed.gpu_settings}
    return {
        "schema": SCHEMA,
        "tool": {"name": PACKAGE, "version": version(PACKAGE)},
        "command": command,
        "command_line": None if command_line is None else [*command_line],
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "status": status,
        "message": message,
        "isa": {"name": PACKAGE, "extensions": _extensions()},
        "gpu": machine,
        "seeds": dict(seeds or {}),
        "launches": [launch.as_json() for launch in launches],
        "result": dict(result),
    }


def _extensions() -> list[str]:
    """Names of the files that have declared further instructions, without their suffix."""
    return sorted(name.removeprefix(EXTENSION_PREFIX) for name in sys.modules if name.startswith(EXTENSION_PREFIX))
