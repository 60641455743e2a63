"""How objects show themselves at a prompt and in a notebook: a line, and a small table, of the facts that matter."""

from collections.abc import Mapping
from html import escape
from typing import Any


class Overview:
    """A class whose ``repr`` is one short line. A subclass says in ``overview`` what the line and the table hold."""

    __slots__ = ()

    def overview(self) -> Mapping[str, object]:
        """Name -> what is shown after it."""
        raise NotImplementedError

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value}' for name, value in self.overview().items())})"


class HtmlOverview(Overview):
    """The same, with a table of two columns in a notebook."""

    __slots__ = ()

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><th>{escape(name.replace('_', ' '))}</th><td>{escape(str(value))}</td></tr>"
            for name, value in self.overview().items()
        )
        return f"<table><caption>{type(self).__name__}</caption>{rows}</table>"


def array_text(array: Any) -> str:
    """Shape and type: ``64x64 float32``."""
    return f"{'x'.join(map(str, array.shape)) or 'scalar'} {array.dtype}"


def extent_text(extent: tuple[int, ...]) -> str:
    """Sizes of a grid or a block: ``8x1x1``."""
    return "x".join(map(str, extent))
