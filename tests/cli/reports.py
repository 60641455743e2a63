"""Reports of commands, held against the published schema each time one is read."""

import json
from pathlib import Path
from typing import Any

import jsonschema

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = json.loads((ROOT / "docs" / "report.schema.json").read_text(encoding="utf-8"))
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA, format_checker=jsonschema.FormatChecker())


def document(path: Path | str) -> dict[str, Any]:
    """The report in a file."""
    report: dict[str, Any] = json.loads(Path(path).read_text())
    VALIDATOR.validate(report)
    return report


def facts(path: Path | str) -> dict[str, Any]:
    """The result of a report, and the counts of its last launch."""
    report = document(path)
    return {**report["result"], **(report["launches"][-1] if report["launches"] else {})}
