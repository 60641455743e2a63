"""The outer-product tensor core of the dual-side sparse design, with its accumulation buffer.

The package is complete in itself and names its own modules relatively: moved elsewhere it is loaded by ``--isa``.
"""

from . import buffer, products, sequenced

__all__ = ["buffer", "products", "sequenced"]
