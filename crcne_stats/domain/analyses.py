"""The one list of analyses.

The function of an analysis is ``crcne_stats.analysis.<name>.<name>``; study, report, command line, docs and the order
of notebooks read this list. A new analysis is one file, one line here, and its words.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Analysis:
    """A question: its name, the inputs that it reads, and the earlier results that it is passed as keywords.

    ``may`` names inputs that it is passed as keywords where there are any, and does without where there are none.
    """

    name: str
    inputs: tuple[str, ...] = ("ratings",)
    after: tuple[str, ...] = ()
    may: tuple[str, ...] = ()


ANALYSES: tuple[Analysis, ...] = (
    Analysis("describe"),
    Analysis("agreement"),
    Analysis("icc"),
    Analysis("severity", may=("students",)),
    Analysis("generalizability", after=("severity",)),
    Analysis("difficulty", after=("severity",)),
    Analysis("fairness"),
    Analysis("concordance", inputs=("ratings", "students"), after=("severity",)),
    Analysis("certification", inputs=("ratings", "students"), after=("severity", "concordance")),
    Analysis("planning", after=("generalizability", "severity")),
    Analysis("calibration", inputs=("previous", "ratings")),
    Analysis("priorities", after=("calibration",), may=("students",)),
    Analysis("verdict", after=("agreement", "generalizability", "severity")),
)


def analysis(name: str) -> Analysis:
    """The entry of that name (KeyError when there is none)."""
    for entry in ANALYSES:
        if entry.name == name:
            return entry
    raise KeyError(name)
