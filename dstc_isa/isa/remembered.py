"""Caches of what follows from the instruction sets: they are emptied when one of these changes."""

from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from functools import _lru_cache_wrapper

Result = TypeVar("Result")

_clearing: list[Callable[[], object]] = []


def until_changed(most: int | None = None) -> "Callable[[Callable[..., Result]], _lru_cache_wrapper[Result]]":
    """Remember results, the latest ``most`` of them, until an instruction set changes."""

    def remember(function: Callable[..., Result]) -> "_lru_cache_wrapper[Result]":
        cached = lru_cache(most)(function)
        clear_when_changed(cached.cache_clear)
        return cached

    return remember


def clear_when_changed(clear: Callable[[], object]) -> None:
    """Call a function whenever an instruction set changes."""
    _clearing.append(clear)


def changed() -> None:
    """Empty the caches: an instruction set is another one now."""
    for clear in _clearing:
        clear()
