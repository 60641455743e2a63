"""Machine code of compiled functions on disk, in place of Numba's own cache.

That one believes what it reads, needs a place beside the source that it can write to, and forgets what was copied.
"""

import pickle
from pathlib import Path
from typing import Any

from numba.core.compiler import CompileResult
from numba.core.serialize import dumps

from dstc_isa.cache_directory import keep, kept_place, read_kept

FOLDER = "engine"
SUFFIX = ".code"


class KeptCode:
    """What a Numba dispatcher asks for code and gives it to; ``name``: of everything that the code depends on."""

    def __init__(self, name: str) -> None:
        self.name = f"{FOLDER}/{name}{SUFFIX}"
        self.failure: OSError | None = None

    @property
    def cache_path(self) -> str:
        """The place of the code as Numba's statistics name it."""
        return self.name

    def there(self) -> bool:
        """Whether code is there."""
        return read_kept(self.name) is not None

    def place(self) -> Path | None:
        """The directory that has it."""
        return kept_place(self.name)

    def load_overload(self, signature: Any, target_context: Any) -> Any:
        """The code for a signature, or None if none is kept that can be used."""
        target_context.refresh()
        data = read_kept(self.name)
        if data is None:
            return None
        try:
            of, payload = pickle.loads(data)
            return CompileResult._rebuild(target_context, *payload) if of == _key(signature, target_context) else None
        # Whatever is wrong with it, the function is compiled instead.
        except Exception:
            return None

    def save_overload(self, signature: Any, result: Any) -> None:
        """Keep code for a signature; ``failure`` says what prevented it."""
        if result.lifted or result.library.has_dynamic_globals:
            return
        data = dumps((_key(signature, result.target_context), result._reduce()))
        try:
            keep(self.name, data)
        except OSError as error:
            self.failure = error

    def flush(self) -> None:
        """Nothing is held back."""


def _key(signature: Any, target_context: Any) -> tuple[str, Any]:
    """What one piece of code stands for beside its name: the signature, and the CPU with its features."""
    return str(signature), target_context.codegen().magic_tuple()
