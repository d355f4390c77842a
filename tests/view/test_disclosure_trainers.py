"""Trainers appear under labels of the publication, the same ones everywhere."""

from __future__ import annotations

import numpy as np
import pandas as pd

from crcne_stats.analysis.simulate import simulate
from crcne_stats.analysis.study import study
from crcne_stats.domain.ratings import Ratings
from crcne_stats.domain.result import Note, Result
from crcne_stats.view.aliases import trainer_labels
from crcne_stats.view.disclosure import published
from crcne_stats.view.report import report

MADE = simulate(120, 3, 1, seed=4)
NAMES = [f"trainer-{place:03d}x" for place in range(len(MADE.ratings.codes("trainer")[1]))]
FRAME = MADE.ratings.frame.assign(trainer=MADE.ratings.frame["trainer"].cat.rename_categories(NAMES))


def made(frame: pd.DataFrame) -> Ratings:
    plain = frame.astype({name: object for name in frame.columns if name != "score"})
    return Ratings.from_frame(plain, framework=MADE.ratings.framework)


RATINGS = made(FRAME)
OPTIONS = {
    **{name: {"resamples": 20} for name in ("agreement", "generalizability", "concordance", "priorities")},
    "severity": {"simulations": 5},
}
STUDY = study(RATINGS, MADE.students, options=OPTIONS)
LABELS = trainer_labels(RATINGS)


def test_labels_are_neutral_stable_and_of_these_ratings_alone() -> None:
    assert sorted(LABELS.values()) == [f"F{place:02d}" for place in range(1, len(NAMES) + 1)]
    assert list(LABELS) != sorted(LABELS)  # labels go up, names do not
    assert trainer_labels(made(FRAME.sample(frac=1, random_state=1))) == LABELS
    changed = FRAME.copy()
    changed.loc[0, "score"] = (changed.loc[0, "score"] + 1) % 5
    assert trainer_labels(made(changed)) != LABELS


def test_labels_are_told_from_identifiers_of_the_same_form() -> None:
    renamed = FRAME["trainer"].cat.rename_categories([f"f-{place:03d}" for place in range(len(NAMES))])
    assert {label[0] for label in trainer_labels(made(FRAME.assign(trainer=renamed))).values()} == {"P"}


def test_nothing_published_names_a_trainer() -> None:
    shown = published(STUDY)
    for name, result in shown.results.items():
        for table, frame in result.tables.items():
            text = frame.to_csv()
            assert not any(trainer in text for trainer in NAMES), (name, table)
        assert not any(trainer in str(note.values) for trainer in NAMES for note in result.notes)
    page = report(STUDY)
    assert not any(trainer in page for trainer in NAMES)
    raw, frame = STUDY.results["describe"].tables["nodes"], shown.results["describe"].tables["nodes"]
    assert raw["trainer"].tolist() == NAMES  # the owner's tables stay as they are
    own = raw.assign(trainer=raw["trainer"].map(LABELS)).set_index("trainer")["n_students"]
    seen = frame[frame["reason"] == ""] if "reason" in frame else frame
    assert own[seen["trainer"]].tolist() == seen["n_students"].tolist()
    given = published(STUDY, trainers="as_given").results["describe"].tables["nodes"]
    assert given["trainer"].tolist() == NAMES


def test_the_order_of_rows_and_pairs_does_not_tell_the_alphabet() -> None:
    tables = published(STUDY, threshold=0).results
    pairs = tables["agreement"].tables["pairs"]
    assert (pairs["trainer_a"] < pairs["trainer_b"]).all()
    assert pairs["trainer_a"].is_monotonic_increasing
    coverage = tables["describe"].tables["coverage"]
    assert coverage.loc[coverage["facet"] == "trainer", "member"].is_monotonic_increasing
    names = {label: name for name, label in LABELS.items()}
    true = STUDY.results["agreement"].tables["pairs"].set_index(["trainer_a", "trainer_b"])["difference"]
    for a, b, difference in pairs[["trainer_a", "trainer_b", "difference"]].itertuples(index=False):
        first, second = names[a], names[b]
        expected = true[first, second] if first < second else -true[second, first]
        assert np.isclose(difference, expected, equal_nan=True)


def test_notes_name_labels() -> None:
    notes = [
        Note("describe.fragile", {"facet": "trainer", "member": NAMES[0]}),
        Note("describe.fragile", {"facet": "inspe", "member": NAMES[0]}),
        Note("describe.fragile", {"trainers": ", ".join(NAMES[:2]), "trainer_a": NAMES[2]}),
    ]
    shown = published(Result("describe", {}, notes, inputs={"ratings": RATINGS})).notes
    assert shown[0].values["member"] == LABELS[NAMES[0]]
    assert shown[1].values["member"] == NAMES[0]
    assert shown[2].values == {"trainers": f"{LABELS[NAMES[0]]}, {LABELS[NAMES[1]]}", "trainer_a": LABELS[NAMES[2]]}
