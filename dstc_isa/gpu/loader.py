"""Reads GPU configurations: TOML files that extend each other, and single settings on top."""

import os
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from types import NoneType
from typing import Any

from dstc_isa.errors import ArgumentTypeError, DstcError, UsageError
from dstc_isa.gpu.schema import (
    MAXIMUM_PORTS,
    SETTING,
    SOURCES,
    Gpu,
    GpuParameter,
    Spec,
    build,
    given,
    is_optional,
    of_units,
    powers_of_two,
    specs,
)
from dstc_isa.isa.instruction_set import Isa, IsaError, isa_named, known
from dstc_isa.isa.unit import Unit
from dstc_isa.options import check_kind, check_name

DEFAULT_GPU = "v100-dstc"
SUFFIX = ".toml"
HEAD = ("description", "extends", "isa")
PARTS = ("v", "src", "note")
COMMAND_LINE = "command line"
DECLARED = "its declaration"
MAXIMUM_FILE = 1 << 20


class GpuError(DstcError, ValueError):
    """A configuration that cannot be used; the message says where, what is allowed and how to mend it."""


class GpuOptionError(GpuError, UsageError):
    """A GPU's name or a setting that there cannot be, whatever files hold."""


def gpu_names() -> list[str]:
    """The shipped configurations."""
    return sorted(entry.name.removesuffix(SUFFIX) for entry in _shipped().iterdir() if entry.name.endswith(SUFFIX))


def _read_gpu(name: str) -> Gpu:
    description, rows, isa = _read(name, ())
    if isa is None:
        names = " or ".join(f'isa = "{each.name}"' for each in known())
        raise GpuError(f"{name}: it does not say which instruction set it executes: state {names}")
    rows = {key: row for key, row in rows.items() if key in specs(isa)}
    for key, value in given(isa).items():
        rows.setdefault(key, _row(isa, DECLARED, key, value.value, value.source, value.note, DECLARED))
    missing = [key for key in specs(isa) if key not in rows and not is_optional(isa, key)]
    if missing:
        for unit in isa.units:
            if not unit.shipped and missing[0].startswith((f"pipes.{unit.name}.", f"{_block_name(unit)}.")):
                raise GpuError(f"{name}: {missing[0]} has no value: state one where unit {unit.name} is declared")
        others = len(missing) - 1
        mend = f", nor have {others} others: extend another GPU" if others else ": give it one, with its source"
        raise GpuError(f"{name}: {missing[0]} has no value{mend}")
    return _checked(isa, Path(name).stem if name.endswith(SUFFIX) else name, description, rows)


def load_gpu(name: str | os.PathLike[str] = DEFAULT_GPU, settings: Sequence[str] = ()) -> Gpu:
    """The GPU of that shipped name or file, with ``key=value`` settings.

    Raises GpuError for a file that is wrong, GpuOptionError for a name or a setting that is, ArgumentTypeError for what
    is neither, UsageError for an empty text.
    """
    check_name("name", name, (str, os.PathLike), "a GPU's name or a file")
    _check_settings(settings)
    return with_settings(_load_plain(os.fspath(name)), settings)


def with_settings(gpu: Gpu, settings: Sequence[str], option: str = "--set") -> Gpu:
    """The GPU with ``key=value`` settings; raises GpuOptionError, which names ``option``, for a wrong one."""
    if not settings:
        return gpu
    try:
        return _changed(gpu, settings, option)
    except GpuError as error:
        raise GpuOptionError(str(error)) from None


def is_file(name: str) -> bool:
    """Whether a GPU's name is a file's."""
    return name.endswith(SUFFIX)


def chosen_gpu(gpu: Gpu | str | os.PathLike[str] | None, settings: Sequence[str] = ()) -> Gpu | None:
    """What an argument ``gpu`` of a function stands for; None is a run without time.

    Raises as ``load_gpu`` does, and UsageError for settings of what has no name.
    """
    check_name("gpu", gpu, (Gpu, str, os.PathLike, NoneType), "a Gpu, a name, a file or None")
    if isinstance(gpu, str | os.PathLike):
        return load_gpu(gpu, settings)
    _check_settings(settings)
    if settings:
        raise UsageError("settings go with a GPU's name or file; load_gpu(name, settings) gives a Gpu that has them")
    return gpu


def _check_settings(settings: Sequence[str]) -> None:
    if isinstance(settings, str):
        raise ArgumentTypeError(f'settings is a sequence of texts, such as ["{settings}"], not one text')
    check_kind("settings", settings, Sequence, "a sequence of texts")
    for text in settings:
        check_name("settings: each of them", text, str, 'a text such as "sm.count=40"')


def _changed(gpu: Gpu, settings: Sequence[str], option: str) -> Gpu:
    rows = {row.key: row for row in gpu.rows}
    for text in settings:
        key, equals, value = text.partition("=")
        key = key.strip()
        where = f"{option} {text}"
        if not equals:
            raise GpuError(f"{where}: expected key=value, such as pipes.FMA.latency=6")
        try:
            parsed = tomllib.loads(f"v = {value}")["v"]
        except tomllib.TOMLDecodeError:
            parsed = value.strip()
        rows[key] = _row(gpu.isa, where, key, parsed, SETTING, "", COMMAND_LINE)
    return _checked(gpu.isa, gpu.name, gpu.description, rows)


def _block_name(unit: Unit) -> str:
    return "" if unit.block is None else unit.block.name


def _load_plain(name: str) -> Gpu:
    if is_file(name):
        return _read_gpu(name)
    return _shipped_gpu(name, tuple(unit for isa in known() for unit in isa.units))


@lru_cache(maxsize=32)
def _shipped_gpu(name: str, units: tuple[Unit, ...]) -> Gpu:
    """A shipped GPU with these units; there may be others when it is asked for again."""
    return _read_gpu(name)


def _shipped() -> Any:
    return files("dstc_isa.gpu") / "files"


def _read(name: str, above: tuple[str, ...]) -> tuple[str, dict[str, GpuParameter], Isa | None]:
    """Description, values and instruction set of a configuration, what it extends included.

    A GPU that extends one of another instruction set takes over what that says of its own units, and nobody asks for.
    """
    if name in above:
        raise GpuError(f"{above[-1]}: extends itself: {' -> '.join((*above, name))}")
    label, text = _text(name, above)
    try:
        tree = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise GpuError(f"{label}: {error}") from None
    rows: dict[str, GpuParameter] = {}
    isa: Isa | None = None
    base = tree.get("extends")
    if base is not None:
        if not isinstance(base, str):
            raise GpuError(f"{_place(label, text, 'extends')}: extends is the name of a GPU or of a file")
        inner = str(Path(name).parent / base) if name.endswith(SUFFIX) and base.endswith(SUFFIX) else base
        _, rows, isa = _read(inner, (*above, name))
    inherited, isa = isa, _isa(tree, isa, label, text)
    if inherited is not None and isa is not inherited:
        rows = {key: row for key, row in rows.items() if key not in of_units(inherited)}
    if isa is None:
        return str(tree.get("description", "")), rows, None
    for key, value in _leaves(tree, label, text, specs(isa)):
        where = _place(label, text, key)
        unknown = [part for part in value if part not in PARTS] if isinstance(value, Mapping) else []
        if not isinstance(value, Mapping) or unknown or "v" not in value or "src" not in value:
            raise GpuError(f'{where}: {key}: expected {{ v = VALUE, src = "SOURCE" }} and perhaps a note')
        source = value["src"]
        if source not in SOURCES or source == SETTING:
            known = ", ".join(s for s in SOURCES if s != SETTING)
            raise GpuError(f"{where}: {key}: src is one of {known}, not {source!r}")
        rows[key] = _row(isa, where, key, value["v"], source, str(value.get("note", "")), label)
    return str(tree.get("description", "")), rows, isa


def _isa(tree: Mapping[str, Any], otherwise: Isa | None, label: str, text: str) -> Isa | None:
    """The instruction set that a file names, or another one if it names none."""
    name = tree.get("isa")
    if name is None:
        return otherwise
    where = _place(label, text, "isa")
    if not isinstance(name, str):
        raise GpuError(f"{where}: isa is the name of an instruction set")
    try:
        return isa_named(name)
    except IsaError as error:
        raise GpuError(f"{where}: {error}; --isa FILE loads others") from None


def _text(name: str, above: tuple[str, ...]) -> tuple[str, str]:
    asked = f"{above[-1]}: extends: " if above else ""
    if not name.endswith(SUFFIX):
        if name not in gpu_names():
            kind = GpuError if above else GpuOptionError
            raise kind(f"{asked}no GPU is called {name}{_nearest(name, gpu_names())}; a file's name ends in {SUFFIX}")
        return name + SUFFIX, (_shipped() / f"{name}{SUFFIX}").read_text(encoding="utf-8")
    try:
        with Path(name).open("rb") as file:
            data = file.read(MAXIMUM_FILE + 1)
        if len(data) > MAXIMUM_FILE:
            raise GpuError(f"{asked}{name}: the file is longer than {MAXIMUM_FILE} bytes")
        return name, data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise GpuError(f"{asked}{name}: byte {error.start} is not UTF-8 text") from None
    except (OSError, ValueError) as error:
        if isinstance(error, GpuError):
            raise
        raise GpuError(f"{asked}{name}: cannot be read: {getattr(error, 'strerror', None) or error}") from None


def _leaves(
    tree: Mapping[str, Any], label: str, text: str, allowed: Mapping[str, Spec], prefix: str = ""
) -> Iterator[tuple[str, Any]]:
    """Dotted keys with their values."""
    for name, value in tree.items():
        key = prefix + name
        if not prefix and name in HEAD:
            if not isinstance(value, str):
                raise GpuError(f"{_place(label, text, key)}: {key} is a text")
            continue
        if key in allowed:
            yield key, value
        elif isinstance(value, Mapping) and any(each.startswith(f"{key}.") for each in allowed):
            yield from _leaves(value, label, text, allowed, f"{key}.")
        else:
            raise GpuError(f"{_place(label, text, key)}: no parameter is called {key}{_nearest(key, allowed)}")


def _place(label: str, text: str, key: str) -> str:
    """File and line of a key: the line in its table that begins with it."""
    table, _, name = key.rpartition(".")
    current = ""
    for number, line in enumerate(text.splitlines(), 1):
        stripped = line.strip()
        if stripped.startswith("["):
            current = stripped.strip("[] ")
            if current == key:
                return f"{label}:{number}"
        elif current == table and stripped.split("=")[0].strip() == name:
            return f"{label}:{number}:{line.index(name) + 1}"
    return label


def _nearest(name: str, known: Any) -> str:
    near = get_close_matches(name, list(known), 1, 0.5)
    return f"; did you mean {near[0]}?" if near else f"; there is {', '.join(known)}" if len(known) < 8 else ""


def _row(isa: Isa, where: str, key: str, value: Any, source: str, note: str, origin: str) -> GpuParameter:
    spec = specs(isa).get(key)
    if spec is None:
        raise GpuError(f"{where}: no parameter is called {key}{_nearest(key, specs(isa))}")
    if spec.kind is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    kind: Any = spec.kind
    if not isinstance(value, kind) or isinstance(value, bool):
        raise GpuError(f"{where}: {key} is {spec.allowed}, not {value!r}")
    if spec.kind is str and spec.choices and value not in spec.choices:
        raise GpuError(f"{where}: {key} is {spec.allowed}, not {value!r}{_nearest(value, spec.choices)}")
    if spec.kind is not str and not spec.minimum <= value <= spec.maximum:
        raise GpuError(f"{where}: {key} is {spec.allowed}, not {value}")
    return GpuParameter(key, value, spec.unit, source, note, origin)


def _checked(isa: Isa, name: str, description: str, rows: Mapping[str, GpuParameter]) -> Gpu:
    """Build, and refuse values that contradict each other."""
    gpu = build(isa, name, description, rows)

    def refuse(key: str, message: str, *others: str) -> GpuError:
        """``others``: keys with which it contradicts; one of them that was set is to blame, if the first was not."""
        blamed = next((each for each in (key, *others) if rows[each].source == SETTING), key)
        cause = "" if blamed == key else f"with {blamed} = {rows[blamed].value}, "
        return GpuError(f"{rows[blamed].origin}: {cause}{key} = {rows[key].value}: {message}")

    if gpu.sm.shared_bytes >= gpu.sm.l1_and_shared_bytes:
        memory = "sm.l1_and_shared_bytes"
        raise refuse("sm.shared_bytes", f"must leave L1 a part of {memory} = {rows[memory].value}", memory)
    if gpu.l2.bytes % (gpu.l2.ways * gpu.l1.line_bytes):
        unit = f"must be a multiple of l2.ways * l1.line_bytes = {gpu.l2.ways * gpu.l1.line_bytes}"
        raise refuse("l2.bytes", unit, "l2.ways", "l1.line_bytes")
    for key in powers_of_two(isa):
        if rows[key].value & (rows[key].value - 1):
            raise refuse(key, "must be a power of two")
    for key, above in (("l2.latency", "l1.latency"), ("dram.latency", "l2.latency")):
        if rows[key].value < rows[above].value:
            raise refuse(key, f"is shorter than the {rows[above].value} cycles of the level above", above)
    ports = {timing.port for timing in gpu.pipes.values()}
    if len(ports) > MAXIMUM_PORTS:
        port = next(key for key in rows if key.startswith("pipes.") and key.endswith(".port"))
        raise refuse(port, f"there are {len(ports)} ports; a sub-core has at most {MAXIMUM_PORTS}")
    return gpu
