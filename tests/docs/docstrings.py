"""The docstrings of the package's sources."""

import ast
from pathlib import Path

from tests.docs.console import ROOT

SOURCES = sorted((ROOT / "dstc_isa").rglob("*.py"))


def docstrings(file: Path) -> list[str]:
    """All docstrings of a source, and the texts that stand below assignments."""
    nodes = ast.walk(ast.parse(file.read_text(encoding="utf-8")))
    texts = [node.value for node in nodes if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)]
    return [text.value for text in texts if isinstance(text.value, str)]
