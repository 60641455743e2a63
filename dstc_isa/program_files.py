"""Where the shipped ``.dasm`` programs lie: inside the installed package, or in the source tree."""

from pathlib import Path


def program_directory() -> Path:
    """The directory of the shipped programs; its ``include`` holds the macro libraries."""
    package = Path(__file__).resolve().parent
    installed = package / "programs"
    return installed if installed.is_dir() else package.parent / "programs"


SPARSE_KERNELS = ("spgemm", "spgemm_seq")
DENSE_KERNELS = ("gemm_dense", "gemm_sparse24")
CONV_KERNELS = ("spconv", "spconv_ohmma", "conv_dense")
"""Shipped kernels that multiply, each in a file of its name.

Sparse: with the paper's instructions, and with a sequenced one. Dense: with every zero, and with 2:4 sparsity.
Convolutions: without the zeros of both operands, the same with the paper's instructions, and with every zero.
"""
