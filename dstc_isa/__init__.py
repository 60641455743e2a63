"""Assembler and instruction-level emulator of the Dual-side Sparse Tensor Core.

``spgemm(a, b)`` multiplies two matrices on the emulated machine, ``conv2d(x, w)`` convolves. ``assemble`` and
``assemble_file`` make programs, ``run`` runs the kernels of one or of a file. The names are
imported when first used: assembling needs no engine.
"""

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

NUMBA_THREADS = "NUMBA_NUM_THREADS"
# Numba cannot be imported with what is no number of threads, and nothing here runs on threads of Numba's.
if not os.environ.get(NUMBA_THREADS, "1").strip().lstrip("0").isdecimal():
    del os.environ[NUMBA_THREADS]

if TYPE_CHECKING:
    from dstc_isa.array_files import ArrayFileError
    from dstc_isa.assembler import Assembly, AssemblyError, assemble, assemble_file
    from dstc_isa.conv.chain import Layer, run_layers
    from dstc_isa.conv.conv2d import conv2d
    from dstc_isa.conv.result import ConvResult
    from dstc_isa.conv.result_range import ResultRangeError
    from dstc_isa.conv.shape import StepError
    from dstc_isa.dense.gemm import gemm_dense
    from dstc_isa.dense.launch import GemmResult
    from dstc_isa.dense.structured import StructureError, gemm_sparse24
    from dstc_isa.engine.array_types import ArrayTypeWarning
    from dstc_isa.engine.execution import Execution, SemanticsError
    from dstc_isa.engine.faults import KernelFault
    from dstc_isa.engine.launch import Launch, LaunchArgumentError, LaunchError
    from dstc_isa.engine.run import run_kernel
    from dstc_isa.engine.run_options import RunKeywords, RunOptions
    from dstc_isa.engine.supervision import TimedOut
    from dstc_isa.errors import ArgumentTypeError, DstcError, ShapeError, UsageError
    from dstc_isa.gpu import load_gpu
    from dstc_isa.gpu.loader import GpuError, GpuOptionError
    from dstc_isa.gpu.schema import Gpu
    from dstc_isa.halves import ValueRangeError
    from dstc_isa.host_memory import OutOfMemory
    from dstc_isa.isa.codec import DecodeError, OperandError
    from dstc_isa.isa.effects import EffectError
    from dstc_isa.isa.extension import ExtensionError, load_extension
    from dstc_isa.isa.instruction import DeclarationError
    from dstc_isa.isa.instruction_set import IsaError
    from dstc_isa.isa.resolve import MnemonicError
    from dstc_isa.launcher import AssemblyWarning, RunResult, run
    from dstc_isa.listing.cubin_file import CubinError
    from dstc_isa.network.errors import NetworkError, NetworkNameError
    from dstc_isa.object.error import ObjectError
    from dstc_isa.options import OptionError
    from dstc_isa.program import Kernel, Program
    from dstc_isa.report.statistics import RunStatistics
    from dstc_isa.sparse.matrix_files import MatrixFileError
    from dstc_isa.sparse.matrix_market import DroppedValues, MarketError
    from dstc_isa.sparse.spgemm import SpgemmReport, SpgemmResult, spgemm
    from dstc_isa.studies.claim import JournalError
    from dstc_isa.studies.figure_files import PlotError
    from dstc_isa.studies.point import RowError
    from dstc_isa.studies.sweep import PointError, StudyError
    from dstc_isa.timing.result import Timing
    from dstc_isa.timing.retarget import OtherTargetWarning
    from dstc_isa.timing.run import time_kernel
    from dstc_isa.trace.place import UnknownWarp

__all__ = [
    "ArgumentTypeError",
    "ArrayFileError",
    "ArrayTypeWarning",
    "Assembly",
    "AssemblyError",
    "AssemblyWarning",
    "ConvResult",
    "CubinError",
    "DeclarationError",
    "DecodeError",
    "DroppedValues",
    "DstcError",
    "EffectError",
    "Execution",
    "ExtensionError",
    "GemmResult",
    "Gpu",
    "GpuError",
    "GpuOptionError",
    "IsaError",
    "JournalError",
    "Kernel",
    "KernelFault",
    "Launch",
    "LaunchArgumentError",
    "LaunchError",
    "Layer",
    "MarketError",
    "MatrixFileError",
    "MnemonicError",
    "NetworkError",
    "NetworkNameError",
    "ObjectError",
    "OperandError",
    "OptionError",
    "OtherTargetWarning",
    "OutOfMemory",
    "PlotError",
    "PointError",
    "Program",
    "ResultRangeError",
    "RowError",
    "RunKeywords",
    "RunOptions",
    "RunResult",
    "RunStatistics",
    "SemanticsError",
    "ShapeError",
    "SpgemmReport",
    "SpgemmResult",
    "StepError",
    "StructureError",
    "StudyError",
    "TimedOut",
    "Timing",
    "UnitError",
    "UnknownWarp",
    "UsageError",
    "ValueRangeError",
    "assemble",
    "assemble_file",
    "conv2d",
    "gemm_dense",
    "gemm_sparse24",
    "load_extension",
    "load_gpu",
    "run",
    "run_kernel",
    "run_layers",
    "spgemm",
    "time_kernel",
]

_HOMES = {
    "ArgumentTypeError": "dstc_isa.errors",
    "ArrayFileError": "dstc_isa.array_files",
    "ArrayTypeWarning": "dstc_isa.engine.array_types",
    "Assembly": "dstc_isa.assembler",
    "AssemblyError": "dstc_isa.assembler",
    "AssemblyWarning": "dstc_isa.launcher",
    "ConvResult": "dstc_isa.conv.result",
    "CubinError": "dstc_isa.listing.cubin_file",
    "DeclarationError": "dstc_isa.isa.instruction",
    "DecodeError": "dstc_isa.isa.codec",
    "DroppedValues": "dstc_isa.sparse.matrix_market",
    "DstcError": "dstc_isa.errors",
    "EffectError": "dstc_isa.isa.effects",
    "Execution": "dstc_isa.engine.execution",
    "ExtensionError": "dstc_isa.isa.extension",
    "GemmResult": "dstc_isa.dense.launch",
    "Gpu": "dstc_isa.gpu.schema",
    "GpuError": "dstc_isa.gpu.loader",
    "GpuOptionError": "dstc_isa.gpu.loader",
    "IsaError": "dstc_isa.isa.instruction_set",
    "JournalError": "dstc_isa.studies.claim",
    "Kernel": "dstc_isa.program",
    "KernelFault": "dstc_isa.engine.faults",
    "Launch": "dstc_isa.engine.launch",
    "LaunchArgumentError": "dstc_isa.engine.launch",
    "LaunchError": "dstc_isa.engine.launch",
    "Layer": "dstc_isa.conv.chain",
    "MarketError": "dstc_isa.sparse.matrix_market",
    "MatrixFileError": "dstc_isa.sparse.matrix_files",
    "MnemonicError": "dstc_isa.isa.resolve",
    "NetworkError": "dstc_isa.network.errors",
    "NetworkNameError": "dstc_isa.network.errors",
    "ObjectError": "dstc_isa.object.error",
    "OperandError": "dstc_isa.isa.codec",
    "OptionError": "dstc_isa.options",
    "OtherTargetWarning": "dstc_isa.timing.retarget",
    "OutOfMemory": "dstc_isa.host_memory",
    "PlotError": "dstc_isa.studies.figure_files",
    "PointError": "dstc_isa.studies.sweep",
    "Program": "dstc_isa.program",
    "ResultRangeError": "dstc_isa.conv.result_range",
    "RowError": "dstc_isa.studies.point",
    "RunKeywords": "dstc_isa.engine.run_options",
    "RunOptions": "dstc_isa.engine.run_options",
    "RunResult": "dstc_isa.launcher",
    "RunStatistics": "dstc_isa.report.statistics",
    "SemanticsError": "dstc_isa.engine.execution",
    "ShapeError": "dstc_isa.errors",
    "SpgemmReport": "dstc_isa.sparse.spgemm",
    "SpgemmResult": "dstc_isa.sparse.spgemm",
    "StepError": "dstc_isa.conv.shape",
    "StructureError": "dstc_isa.dense.structured",
    "StudyError": "dstc_isa.studies.sweep",
    "TimedOut": "dstc_isa.engine.supervision",
    "Timing": "dstc_isa.timing.result",
    "UnitError": "dstc_isa.isa.unit",
    "UnknownWarp": "dstc_isa.trace.place",
    "UsageError": "dstc_isa.errors",
    "ValueRangeError": "dstc_isa.halves",
    "assemble": "dstc_isa.assembler",
    "assemble_file": "dstc_isa.assembler",
    "conv2d": "dstc_isa.conv.conv2d",
    "gemm_dense": "dstc_isa.dense.gemm",
    "gemm_sparse24": "dstc_isa.dense.structured",
    "load_extension": "dstc_isa.isa.extension",
    "load_gpu": "dstc_isa.gpu",
    "run": "dstc_isa.launcher",
    "run_kernel": "dstc_isa.engine.run",
    "run_layers": "dstc_isa.conv.chain",
    "spgemm": "dstc_isa.sparse.spgemm",
    "time_kernel": "dstc_isa.timing.run",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used."""
    if name == "__version__":
        from importlib.metadata import version

        return version("dstc-isa")
    if name not in _HOMES:
        raise AttributeError(f"module 'dstc_isa' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    """The public names, imported already or not, and no others."""
    return sorted([*__all__, "__version__"])
