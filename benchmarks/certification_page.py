"""The page of ``certification.py``: calibration, slopes and coverage from the numbers of its replicates."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl
import numpy as np
from scipy.optimize import minimize
from scipy.special import expit, logit

from crcne_stats.analysis.certification_data import DEFINITIONS
from crcne_stats.analysis.certification_panels import METHODS, MOST
from crcne_stats.analysis.certification_risk import PARTS, RISKS

STUDENTS, INSPE, TRAINERS, LINKS = 240, 2, 14, 0.1
HALO, TASTE, SEVERITY = 0.5, 0.3, 0.35
KINDS = [(d, p, r) for d in DEFINITIONS for p in PARTS for r in RISKS]
CERTAIN = 1e-3
"""Chances below it, or as near to one, do not count in slopes: mostly students who cannot be wrong."""
EDGES = np.unique(np.r_[expit(np.linspace(logit(CERTAIN), -logit(CERTAIN), 57)), np.arange(1, 10) / 10])
AGAIN = 100
"""Draws of new panels for the true change of shares."""


def curve(stated: np.ndarray, wrong: np.ndarray) -> np.ndarray:
    """Students, stated chances and wrong ones by bin of :data:`EDGES` (bin, number)."""
    place, n = np.searchsorted(EDGES, stated, side="right"), len(EDGES) + 1
    return np.column_stack([np.bincount(place, weight, n) for weight in (None, stated, wrong.astype(float))])


def scores(stated: np.ndarray, wrong: np.ndarray) -> list[float]:
    """Score (2) and information (3) of a logistic regression on the logit of the stated chance, at slope 1."""
    used = (stated > CERTAIN) & (stated < 1 - CERTAIN)
    p = stated[used]
    x, off, weight = logit(p), wrong[used] - p, p * (1 - p)
    return [float(each) for each in (off.sum(), off @ x, weight.sum(), weight @ x, weight @ x**2)]


@dataclass(frozen=True)
class Kept:
    """What a kind of risk keeps of its word."""

    share: float
    stated: float
    error: float
    slope: float
    slope_se: float
    covered: float


def kept(numbers: np.ndarray, total: np.ndarray) -> Kept:
    """Coverage of the number of wrong levels, calibration error by bins of ten, slope of a logistic regression.

    ``numbers`` (replicate, number), ``total`` (bin, number) the bins of all replicates.
    """
    by_ten = tens(total)
    error = float(np.abs(by_ten[:, 1] - by_ten[:, 2]).sum() / by_ten[:, 0].sum())
    n = total[:, 0].sum()
    own, se = slope(total), slope_se(numbers)
    return Kept(
        float(total[:, 2].sum() / n), float(total[:, 1].sum() / n), error, own, se, float(covered(numbers).mean())
    )


def tens(total: np.ndarray) -> np.ndarray:
    """Bins (10, number) of a tenth each."""
    place = np.searchsorted(np.arange(1, 10) / 10, np.r_[0.0, EDGES] + 1e-12, side="right")
    return np.column_stack([np.bincount(place, column, 10) for column in total.T])


def slope(total: np.ndarray) -> float:
    """Of outcomes on the logit of stated chances, of students with a chance within 0.1 % and 99.9 %."""
    inner = total[1:-1]
    n, stated, wrong = inner[inner[:, 0] > 0].T
    x = logit(stated / n)

    def cost(point: np.ndarray) -> float:
        p = np.clip(expit(point[0] + point[1] * x), 1e-12, 1 - 1e-12)
        return -float((wrong * np.log(p) + (n - wrong) * np.log(1 - p)).sum()) / float(n.sum())

    return float(minimize(cost, [0.0, 1.0]).x[1])


def slope_se(numbers: np.ndarray) -> float:
    """Its standard error, students of a cohort being alike: the sandwich over cohorts, at slope 1."""
    score, information = numbers[:, 5:7], numbers[:, 7:].sum(axis=0)
    inverse = np.linalg.inv(np.array([information[:2], information[1:]]))
    away = score - score.mean(axis=0)
    return float(np.sqrt((inverse @ (away.T @ away) @ inverse)[1, 1]))


def table(numbers: np.ndarray, total: np.ndarray) -> list[str]:
    """Markdown rows; ``numbers`` (replicate, kind, number), ``total`` (kind, bin, number)."""
    lines = [
        "| level deserved | decision | error | true share % | stated share % | calibration error | slope | its error | "
        "covered % |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for place, (definition, part, kind) in enumerate(KINDS):
        k = kept(numbers[:, place], total[place])
        lines.append(
            f"| {definition} | {part} | {kind} | {100 * k.share:.2f} | {100 * k.stated:.2f} | {k.error:.4f} | "
            f"{k.slope:.3f} | {k.slope_se:.3f} | {100 * k.covered:.1f} |"
        )
    return lines


def further(panels: np.ndarray, methods: np.ndarray) -> list[str]:
    """Markdown rows of other panels and of the methods of accuracy."""
    lines = [
        "| decision | error | trainers | true share % | stated share % | covered % | true change | stated change | "
        "covered % |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    names = [(part, kind, size) for part in PARTS for kind in RISKS for size in range(1, MOST + 1)]
    for place, (part, kind, size) in enumerate(names):
        stated, low, high, true, change, change_low, change_high, true_change, n = panels[:, place].T
        row = f"| {part} | {kind} | {size} | {100 * true.mean():.2f} | {100 * stated.mean():.2f} | "
        row += f"{100 * inside(low, true, high, n):.1f} | "
        if size > 1:
            held = ((change_low <= true_change) & (true_change <= change_high)).mean()
            row += f"{100 * true_change.mean():.2f} | {100 * change.mean():.2f} | {100 * held:.1f} |"
        else:
            row += " | | |"
        lines.append(row)
    lines += ["", "| accuracy by | true share % | stated share % | covered % |", "|---|---|---|---|"]
    for place, name in enumerate(METHODS):
        stated, low, high, true, n = methods[:, place].T
        lines.append(
            f"| {name} | {100 * true.mean():.2f} | {100 * stated.mean():.2f} | {100 * inside(low, true, high, n):.1f} |"
        )
    return lines


def inside(low: np.ndarray, true: np.ndarray, high: np.ndarray, n: np.ndarray) -> float:
    """Share of intervals that hold the true share, rounded outwards by half a student of ``n``."""
    return float(((low * n - 0.5 <= true * n) & (true * n <= high * n + 0.5)).mean())


def pooled(pages: list[Path], target: Path | None) -> str:
    """Several runs with seeds of their own as one, and under it the table of each; the diagram of all."""
    runs = [json.loads(page.with_suffix(".json").read_text(encoding="utf-8")) for page in pages]
    parts = [
        np.concatenate([np.array(run[name], dtype=float) for run in runs]) for name in ("numbers", "panels", "methods")
    ]
    total = np.sum([run["bins"] for run in runs], axis=0)
    picture = "certification.svg" if target is None else target.with_suffix(".svg").name
    text = report(parts[0], total, parts[1], parts[2], ", ".join(run["run"] for run in runs), picture)
    for run in runs:
        numbers = np.array(run["numbers"], dtype=float)
        text += "\n".join(["", f"## {run['run']}", "", *table(numbers, np.array(run["bins"])), ""])
    if target is not None:
        target.write_text(text, encoding="utf-8")
        target.with_suffix(".json").write_text(
            json_of(*parts, total, "; ".join(run["run"] for run in runs)), encoding="utf-8"
        )
        drawing(total, target.with_suffix(".svg"))
    return text


def json_of(numbers: np.ndarray, panels: np.ndarray, methods: np.ndarray, total: np.ndarray, run: str) -> str:
    """What a page rests on: single cohorts, and the bins of all of them."""
    arrays = {"numbers": numbers, "panels": panels, "methods": methods, "bins": total}
    lines = [f'"{name}": {json.dumps(np.where(np.isnan(a), 0.0, a).round(4).tolist())}' for name, a in arrays.items()]
    return "{\n" + ",\n".join([f'"run": {json.dumps(run)}', *lines]) + "\n}\n"


def covered(numbers: np.ndarray) -> np.ndarray:
    """Whether the interval holds the true number (replicate,), rounded outwards by half a student."""
    return (numbers[:, 3] - 0.5 <= numbers[:, 1]) & (numbers[:, 1] <= numbers[:, 4] + 0.5)


def drawing(total: np.ndarray, target: Path) -> None:
    """Calibration diagram: true shares against stated chances, by direction and definition."""
    mpl.use("svg")
    from matplotlib.figure import Figure

    mpl.rcParams["svg.hashsalt"] = "certification"
    page = Figure(figsize=(9, 4.4), layout="constrained")
    for place, part in enumerate(PARTS):
        ax = page.add_subplot(1, 2, place + 1)
        ax.plot([0, 1], [0, 1], color="0.6", linewidth=1)
        for number, (definition, own, kind) in enumerate(KINDS):
            if own != part:
                continue
            by_ten = tens(total[number])
            by_ten = by_ten[by_ten[:, 0] >= 50]
            marker = "o" if kind == "too_high" else "s"
            fill = "black" if definition == "expected" else "white"
            stated, true = by_ten[:, 1:].T / by_ten[:, 0]
            ax.plot(stated, true, marker=marker, linestyle="none", color="black",
                    markerfacecolor=fill, markersize=6, label=f"{kind.replace('_', ' ')}, {definition}")  # fmt: skip
        ax.set(xlim=(0, 1), ylim=(0, 1), aspect="equal", title=f"{part} level", xlabel="stated chance")
        ax.set_ylabel("share truly wrong")
        ax.legend(loc="upper left", fontsize=8)
    page.savefig(target, format="svg", metadata={"Date": None})


def report(
    numbers: np.ndarray, total: np.ndarray, panels: np.ndarray, methods: np.ndarray, run: str, picture: str
) -> str:
    """The study as a page."""
    head = [
        "# Stated risks of the certificate against the truth",
        "",
        f"{len(numbers)} cohorts of {STUDENTS} students, {INSPE} INSPÉ, {TRAINERS} trainers, 2 trainers a file, "
        f"19 criteria, 5 levels; halo {HALO}, trainer × criterion {TASTE} (outside the fitted model), severity SD "
        f"{SEVERITY}; {100 * LINKS:.0f} % of the files with a trainer of another INSPÉ; {run}.",
        "",
        "Calibration error: mean distance of stated chances and true shares over ten bins. Slope: logistic regression "
        "of what is true on the logit of the stated chance (1 is right), of students with a chance between 0.1 % and "
        "99.9 %; most others cannot be wrong, for PIX+Édu alone decides of them. Its error: the standard error, "
        "clustered by cohort. Covered: 95 % intervals of the number of students wrongly placed in the cohort, rounded "
        "outwards by half a student, that hold the true number.",
        "",
    ]
    middle = [
        "",
        f"![Calibration diagram]({picture})",
        "",
        "## Other panels, and methods of accuracy",
        "",
        "True share: of one draw of new trainers for each file of the cohort, with views of single criteria as above; "
        f"true change: from one trainer fewer, in points, over {AGAIN} draws. The last table: the level by the rule, "
        "by the total (`lee`, `livingston_lewis`) or by the posterior mean (`rudner`), against the true one.",
        "",
    ]
    return "\n".join([*head, *table(numbers, total), *middle, *further(panels, methods), ""])


def written(
    numbers: np.ndarray, total: np.ndarray, panels: np.ndarray, methods: np.ndarray, run: str, target: Path | None
) -> str:
    """The page; written with its numbers and its diagram where a target is given, after each part of the study."""
    picture = "certification.svg" if target is None else target.with_suffix(".svg").name
    text = report(numbers, total, panels, methods, run, picture)
    if target is not None:
        target.write_text(text, encoding="utf-8")
        target.with_suffix(".json").write_text(json_of(numbers, panels, methods, total, run), encoding="utf-8")
        drawing(total, target.with_suffix(".svg"))
    return text
