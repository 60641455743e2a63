"""Where the shipped ``.dasm`` programs and the examples lie: inside the installed package, or in the source tree."""

from pathlib import Path


def program_directory() -> Path:
    """The directory of the shipped programs; its ``include`` holds the macro libraries."""
    return _shipped("programs")


def example_directory() -> Path:
    """The directory of the examples that documentation and help name."""
    return _shipped("examples")


def _shipped(name: str) -> Path:
    package = Path(__file__).resolve().parent
    installed = package / name
    return installed if installed.is_dir() else package.parent / name


SPARSE_KERNELS = ("spgemm", "spgemm_seq")
DENSE_KERNELS = ("gemm_dense", "gemm_sparse24")
CONV_KERNELS = ("spconv", "spconv_ohmma", "conv_dense")
"""Shipped kernels that multiply, each in a file of its name.

Sparse: with the paper's instructions, and with a sequenced one. Dense: with every zero, and with 2:4 sparsity.
Convolutions: without the zeros of both operands, the same with the paper's instructions, and with every zero.
"""
