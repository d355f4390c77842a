"""Are planted defects the first places, and is there no order where nothing is planted?

``python benchmarks/priorities.py [SEEDS]`` writes ``benchmarks/results/priorities.json`` after each seed and
``priorities.md`` from it: the default demo (600 students, 8 INSPÉ, 24 trainers, 2 sessions, 19 criteria) with a
disordered level, a criterion harder for one mention, two that drift and one on which trainers agree little, and the
same demo with none of them. ``python benchmarks/priorities.py refits`` compares the one-step bootstrap with refits of
the same resamples.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from crcne_stats.analysis.priorities import priorities
from crcne_stats.analysis.priorities_model import judged
from crcne_stats.analysis.severity_design import design
from crcne_stats.analysis.simulate import simulate
from crcne_stats.core.rasch import mml
from crcne_stats.core.rasch.design import RatingData
from crcne_stats.core.rasch.population import Population
from crcne_stats.domain.result import Result

NOTHING: dict[str, Any] = {"disordered": False, "dif": 0, "drift": 0, "low_agreement": 0}
RESULTS = Path(__file__).parent / "results"
REFITS = 50
DESIGN = (
    "`benchmarks/priorities.py`; simulated demo of 600 students, 8 INSPÉ, 24 trainers, 2 sessions, 19 criteria; "
    "five carry a defect: a disordered level, one harder by 0.8 logit for a mention, drifts of +0.6 and −0.6 logit, "
    "own views of the trainers (SD 2 logits)."
)


def planted_in(truth: dict[str, Any]) -> dict[str, str]:
    """The symptom planted in each criterion."""
    planted = truth["planted"]
    found = {planted["disordered"]: "levels", planted["low_agreement"]: "agreement"}
    return found | {planted["dif"]["criterion"]: "dif"} | dict.fromkeys(planted["drift"], "drift")


SHOWS = {"agreement": ("agreement", "trainer_criterion", "trainer", "misfit", "swaps")}
"""Symptoms by which a planted defect may show; the others by their own."""


def with_defects(seed: int) -> dict[str, Any]:
    """Where the planted criteria came, and whether for the right reason."""
    made = simulate(seed=seed)
    result = priorities(made.ratings, students=made.students, seed=seed)
    planted = planted_in(made.truth)
    table = result.tables["priorities"].set_index("criterion")
    first = list(table.index[: len(planted)])
    return {
        "seed": seed,
        "first": set(first) == set(planted),
        "ranks": {symptom + " " + key: int(table.loc[key, "rank"]) for key, symptom in planted.items()},
        "reason": all(table.loc[key, "symptom"] in SHOWS.get(name, (name,)) for key, name in planted.items()),
        "held": bool(all(table.loc[key, "rank_low"] <= len(planted) for key in planted)),
        "revise": sorted(table.index[table["priority"] == "revise"]),
        "likely": sorted(table.index[table["priority"] == "likely"]),
        "false_revise": int((table["priority"] == "revise").drop(index=list(planted)).sum()),
        "order": _order(result),
    }


def without(seed: int) -> dict[str, Any]:
    """Whether the verdict is no order."""
    made = simulate(seed=seed, **NOTHING)
    result = priorities(made.ratings, students=made.students, seed=seed)
    table = result.tables["priorities"]
    return {
        "seed": seed,
        "order": _order(result),
        "revise": list(table.loc[table["priority"] == "revise", "criterion"]),
        "likely": list(table.loc[table["priority"] == "likely", "criterion"]),
        "same_rank": bool((table["rank_low"] == 1).all() and (table["rank_high"] == len(table)).all()),
    }


def _order(result: Result) -> bool:
    return "priorities.order" in {note.key for note in result.notes}


def refits(n: int = REFITS, seed: int = 1) -> dict[str, Any]:
    """Spread and agreement of the one-step contrasts and of refits of the same resamples."""
    made = simulate(seed=seed)
    asked = design(made.ratings, ("mention", "session"))
    model = judged(asked)
    rng, size = np.random.default_rng(seed), len(asked.people)
    usable = [place for place, row in enumerate(model.rows) if not row["reason"]]
    steps, again = [], []
    for _ in range(n):
        weight = rng.multinomial(size, np.full(size, 1 / size))
        steps.append((model.value + model.influence.T @ (weight - 1))[usable])
        again.append((model.contrasts @ np.nan_to_num(_refit(asked.data, weight, model.fit).value))[usable])
    step, refit = np.array(steps), np.array(again)
    names = np.array([model.rows[place]["symptom"] for place in usable])
    answer: dict[str, Any] = {"refits": n}
    for name in ("dif", "drift", "levels"):
        own = names == name
        centred = [x[:, own] - x[:, own].mean(axis=0) for x in (step, refit)]
        answer[name] = {
            "contrasts": int(own.sum()),
            "correlation": round(float(np.corrcoef(centred[0].ravel(), centred[1].ravel())[0, 1]), 4),
            "sd_ratio": round(float(np.median(step[:, own].std(axis=0) / refit[:, own].std(axis=0))), 3),
            "largest_bias_in_sd": round(
                float(np.abs((step - refit)[:, own].mean(axis=0) / refit[:, own].std(axis=0)).max()), 2
            ),
        }
    return answer


def _refit(data: RatingData, weight: np.ndarray, fit: mml.Fit) -> mml.Fit:
    """The model refitted to the students drawn, those drawn twice as two."""
    order = np.repeat(np.arange(len(weight)), weight)
    rows = [np.flatnonzero(data.student == student) for student in order]
    chosen = np.concatenate(rows)
    student = np.repeat(np.arange(len(order)), [len(own) for own in rows])
    facets = {name: codes[chosen] for name, codes in data.facets.items()}
    drawn = RatingData(student, facets, data.score[chosen], len(order), data.sizes, data.n_levels)
    return mml.fit(drawn, fit.plan.model, Population(fit.problem.population.design[order]))


def text(found: dict[str, Any]) -> str:
    """The results as a page."""
    bad, good = found.get("planted", []), found.get("nothing", [])
    lines = ["# Revision priorities: planted defects, and none", "", DESIGN, ""]
    if bad:
        lines += [f"| {len(bad)} seeds with the five defects | seeds |", "|---|---|"]
        lines += [f"| {label} | {sum(bool(row[key]) for row in bad)} |" for key, label in (
            ("first", "the five planted criteria are the first five places"), ("reason", "each for its own symptom"),
            ("held", "each could be among the first five"), ("order", "there is an order"))]  # fmt: skip
        lines += [f"| a criterion without defect is called to revise | {sum(row['false_revise'] > 0 for row in bad)} |"]
        lines += ["", "| defect | median rank | worst | surely to revise | at least likely |", "|---|---|---|---|---|"]
        for name in bad[0]["ranks"]:
            key, place = name.split(" ")[1], [row["ranks"][name] for row in bad]
            sure = sum(key in row["revise"] for row in bad)
            more = sure + sum(key in row["likely"] for row in bad)
            lines.append(f"| {name.split(' ')[0]} ({key}) | {np.median(place):g} | {max(place)} | {sure} | {more} |")
    if good:
        lines += ["", f"| {len(good)} seeds with nothing planted | seeds |", "|---|---|"]
        lines += [f"| the verdict is no order | {sum(not row['order'] for row in good)} |",
                  f"| every criterion could have every rank | {sum(row['same_rank'] for row in good)} |",
                  f"| a criterion is called likely | {sum(bool(row['likely']) for row in good)} |"]  # fmt: skip
    if "one_step" in found:
        own = found["one_step"]
        lines += ["", f"One-step resamples against {own['refits']} refits of the same resamples:", ""]
        lines += ["| contrasts | number | correlation | ratio of SD | largest bias, in SD |", "|---|---|---|---|---|"]
        lines += [f"| {name} | {own[name]['contrasts']} | {own[name]['correlation']} | {own[name]['sd_ratio']} | "
                  f"{own[name]['largest_bias_in_sd']} |" for name in ("dif", "drift", "levels")]  # fmt: skip
    if "seconds" in found:
        lines += ["", f"Median time of one analysis on a busy machine: {found['seconds']:.1f} s."]
    return "\n".join(lines) + "\n"


def main(asked: str) -> None:
    """Seeds from 1 up, or the refits; both files are written as the numbers come."""
    path = RESULTS / "priorities.json"
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    if asked == "refits":
        found["one_step"] = refits()
        _write(path, found)
        return
    found |= {"planted": [], "nothing": []}
    taken = []
    for seed in range(1, int(asked) + 1):
        start = time.perf_counter()
        found["planted"].append(with_defects(seed))
        found["nothing"].append(without(seed))
        taken.append((time.perf_counter() - start) / 2)
        found["seconds"] = round(float(np.median(taken)), 2)
        _write(path, found)


def _write(path: Path, found: dict[str, Any]) -> None:
    path.write_text(json.dumps(found, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    path.with_suffix(".md").write_text(text(found), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "100")
