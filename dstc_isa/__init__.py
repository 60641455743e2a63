"""Assembler and instruction-level emulator of the Dual-side Sparse Tensor Core.

``spgemm(a, b)`` multiplies two matrices on the emulated machine, ``conv2d(x, w)`` convolves. ``assemble`` and
``assemble_file`` make programs, ``run_kernel`` runs their kernels. The names are imported when first used: assembling
needs no engine.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dstc_isa.assembler import assemble, assemble_file
    from dstc_isa.conv.chain import Layer, run_layers
    from dstc_isa.conv.conv2d import conv2d
    from dstc_isa.conv.result import ConvResult
    from dstc_isa.dense.gemm import gemm_dense
    from dstc_isa.dense.launch import GemmResult
    from dstc_isa.dense.structured import gemm_sparse24
    from dstc_isa.engine.run import run_kernel
    from dstc_isa.gpu import load_gpu
    from dstc_isa.sparse.spgemm import SpgemmResult, spgemm
    from dstc_isa.timing.run import time_kernel

__all__ = [
    "ConvResult",
    "GemmResult",
    "Layer",
    "SpgemmResult",
    "assemble",
    "assemble_file",
    "conv2d",
    "gemm_dense",
    "gemm_sparse24",
    "load_gpu",
    "run_kernel",
    "run_layers",
    "spgemm",
    "time_kernel",
]

_HOMES = {
    "ConvResult": "dstc_isa.conv.result",
    "Layer": "dstc_isa.conv.chain",
    "conv2d": "dstc_isa.conv.conv2d",
    "run_layers": "dstc_isa.conv.chain",
    "GemmResult": "dstc_isa.dense.launch",
    "gemm_dense": "dstc_isa.dense.gemm",
    "gemm_sparse24": "dstc_isa.dense.structured",
    "load_gpu": "dstc_isa.gpu",
    "time_kernel": "dstc_isa.timing.run",
    "SpgemmResult": "dstc_isa.sparse.spgemm",
    "assemble": "dstc_isa.assembler",
    "assemble_file": "dstc_isa.assembler",
    "run_kernel": "dstc_isa.engine.run",
    "spgemm": "dstc_isa.sparse.spgemm",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used."""
    if name not in _HOMES:
        raise AttributeError(f"module 'dstc_isa' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
