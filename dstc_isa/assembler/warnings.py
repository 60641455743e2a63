"""Warnings."""


def warn(kernel, reporter): ...
