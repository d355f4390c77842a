"""What the tables of ``severity`` say, for the first screen of a report."""

from __future__ import annotations

from typing import Any

from crcne_stats.analysis.severity_fit import Fitted
from crcne_stats.analysis.severity_models import Models
from crcne_stats.analysis.severity_scale import RELATIVE, Scale
from crcne_stats.domain.result import Note


def severity_notes(
    fitted: Fitted, scale: Scale, tables: dict[str, Any], settings: dict[str, Any], models: Models, refused: str
) -> list[Note]:
    """Ranked notes."""
    return []
