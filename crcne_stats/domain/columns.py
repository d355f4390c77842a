"""The one dictionary of columns: one name means one thing in every table.

Label and meaning stand in ``words`` under ``column.<name>.label`` and ``.meaning``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["number", "percent", "count", "identifier", "key", "name", "terms", "text", "flag"]


@dataclass(frozen=True)
class Column:
    """How a column is to be read.

    ``kind``: a number with ``decimals``; a share shown in percent; a count; a yes or no; an identifier; a key of
    ``words`` in the family ``of``; a name in the framework, ``of`` being level, criterion, item, phase or mention; or
    effects of a design (facets joined by "*", after ":" what they are nested in; several separated by ",").
    """

    kind: Kind
    decimals: int = 2
    unit: str = ""
    of: str = ""


def _key(family: str) -> Column:
    return Column("key", of=family)


def _name(noun: str) -> Column:
    return Column("name", of=noun)


_IDENTIFIER = Column("identifier")
_COUNT = Column("count")
_SHARE = Column("percent", decimals=0)
_NUMBER = Column("number")
_LEVELS = Column("number", unit="levels")
_FLAG = Column("flag")
_LOGITS = Column("number", unit="logits")
_P = Column("number", decimals=3)
_TENTH = Column("number", decimals=1)

COLUMNS: dict[str, Column] = {
    # what a row is about
    "student": _IDENTIFIER,
    "trainer": _IDENTIFIER,
    "inspe": _IDENTIFIER,
    "trainer_inspe": _IDENTIFIER,
    "session": _IDENTIFIER,
    "occasion": _IDENTIFIER,
    "mention": _name("mention"),
    "criterion": _name("criterion"),
    "item": _name("item"),
    "phase": _name("phase"),
    "level": _name("level"),
    "other_level": _name("level"),
    "inspe_level": _name("level"),
    "pix_level": _name("level"),
    "joint_level": _name("level"),
    # the estimate
    "value": _NUMBER,
    "se": Column("number", decimals=3),
    "low": _NUMBER,
    "high": _NUMBER,
    "se_linearised": Column("number", decimals=3),
    "se_jackknife": Column("number", decimals=3),
    "method": _key("method"),
    "reason": _key("reason"),
    # tests
    "statistic": _NUMBER,
    "df": Column("number", decimals=1),
    "df2": Column("number", decimals=1),
    "p": Column("number", decimals=3),
    "p_adjusted": Column("number", decimals=3),
    # on how many it rests
    "n_students": _COUNT,
    "n_trainers": _COUNT,
    "n_criteria": _COUNT,
    "n_inspe": _COUNT,
    "n_files": _COUNT,
    "n_ratings": _COUNT,
    "n_sessions": _COUNT,
    "n_components": _COUNT,
    "n_expected": _COUNT,
    # design
    "component": _COUNT,
    "design": _key("design"),
    "facet": _key("facet"),
    "member": _IDENTIFIER,
    "trainers_per_file": _NUMBER,
    "share_double": _SHARE,
    "share_linked": _SHARE,
    "share_missing": Column("percent", decimals=1),
    # scores
    "score": _LEVELS,
    "share": _SHARE,
    "mean": _LEVELS,
    "sd": _LEVELS,
    # agreement
    "coefficient": _key("coefficient"),
    "weights": _key("weights"),
    "pa": _NUMBER,
    "pe": _NUMBER,
    "n_double": _COUNT,
    "trainer_a": _IDENTIFIER,
    "trainer_b": _IDENTIFIER,
    "percent": _SHARE,
    "difference": _LEVELS,
    "difference_low": _LEVELS,
    "difference_high": _LEVELS,
    "percent_low": _SHARE,
    "percent_high": _SHARE,
    "criterion_a": _name("criterion"),
    "criterion_b": _name("criterion"),
    "contrast": _NUMBER,
    "contrast_low": _NUMBER,
    "contrast_high": _NUMBER,
    "hypothesis": _key("hypothesis"),
    "scale": _key("scale"),
    "verdict": _key("verdict"),
    "verdict_low": _key("verdict"),
    "verdict_high": _key("verdict"),
    "verdict_sure": _key("verdict"),
    "probability": _SHARE,
    "half_width_now": _NUMBER,
    "half_width": _NUMBER,
    "n_needed": _COUNT,
    "n_more": _COUNT,
    "reading": _key("reading"),
    "panel": _key("panel"),
    "conclusion": _key("conclusion"),
    "n_choices": _COUNT,
    "share_flipped": _SHARE,
    "share_reversed": _SHARE,
    "share_below": _SHARE,
    "share_unsure": _SHARE,
    "share_above": _SHARE,
    "lowest": _NUMBER,
    "highest": _NUMBER,
    "decisive": _key("choice"),
    # intraclass correlations
    "form": Column("text"),
    "name": Column("text"),
    "k_effective": _NUMBER,
    "non_overlap": _NUMBER,
    "f": _NUMBER,
    "df1": Column("number", decimals=0),
    # difficulty
    "position": _NUMBER,
    "item_rest": _NUMBER,
    "item_rest_low": _NUMBER,
    "item_rest_high": _NUMBER,
    "item_rest_other": _NUMBER,
    "item_rest_other_low": _NUMBER,
    "item_rest_other_high": _NUMBER,
    "polyserial": _NUMBER,
    "polyserial_low": _NUMBER,
    "polyserial_high": _NUMBER,
    "difficulty_se": Column("number", decimals=3, unit="logits"),
    "difficulty_low": _LOGITS,
    "difficulty_high": _LOGITS,
    "scope": _key("scope"),
    "alpha": _NUMBER,
    "alpha_if_dropped": _NUMBER,
    "omega": _NUMBER,
    "omega_low": _NUMBER,
    "omega_high": _NUMBER,
    "floor": _SHARE,
    "ceiling": _SHARE,
    "n_sheets": _COUNT,
    # generalizability
    "source": Column("terms"),
    "confounded": Column("terms"),
    "estimator": _key("estimator"),
    "variance": Column("number", decimals=4),
    "n_members": _COUNT,
    "layout": _key("layout"),
    "universe": Column("number", decimals=4),
    "relative": Column("number", decimals=4),
    "absolute": Column("number", decimals=4),
    "generalizability": _NUMBER,
    "generalizability_low": _NUMBER,
    "generalizability_high": _NUMBER,
    "dependability": _NUMBER,
    "dependability_low": _NUMBER,
    "dependability_high": _NUMBER,
    "sem_relative": _LEVELS,
    "sem_relative_low": _LEVELS,
    "sem_relative_high": _LEVELS,
    "sem_absolute": _LEVELS,
    "sem_absolute_low": _LEVELS,
    "sem_absolute_high": _LEVELS,
    "cut": _LEVELS,
    "change": Column("number", decimals=3),
    "weight": _NUMBER,
    "phase_b": _name("phase"),
    "approach": _key("approach"),
    "universe_correlation": _NUMBER,
    "error_correlation": _NUMBER,
    # many-facet Rasch: the model
    "thresholds": _key("thresholds"),
    "population": _key("population"),
    "constraint": _key("constraint"),
    "chosen": _FLAG,
    "log_likelihood": _NUMBER,
    "deviance": _NUMBER,
    "n_parameters": _COUNT,
    "aic": _TENTH,
    "bic": _TENTH,
    "converged": _FLAG,
    "iterations": _COUNT,
    "monotone": _FLAG,
    "gradient": Column("number", decimals=6),
    "population_sd": _LOGITS,
    "population_sd_se": Column("number", decimals=3, unit="logits"),
    "with_halo": _FLAG,
    "with_slopes": _FLAG,
    "slope": _NUMBER,
    "slope_se": _P,
    "bias_difference": _LOGITS,
    "halo_sd": _LOGITS,
    "halo_sd_se": Column("number", decimals=3, unit="logits"),
    "bias_factor": _P,
    "eap_reliability": _NUMBER,
    # measures
    "assumption": _key("assumption"),
    "severity": _LOGITS,
    "difficulty": _LOGITS,
    "robust_se": Column("number", decimals=3),
    "observed_average": _LEVELS,
    "expected_average": _LEVELS,
    "fair_average": _LEVELS,
    "fair_low": _LEVELS,
    "fair_high": _LEVELS,
    "fair_zero": _LEVELS,
    "displacement": _LOGITS,
    "eap": _LOGITS,
    "jml": _LOGITS,
    "wle": _LOGITS,
    "wle_se": Column("number", decimals=3, unit="logits"),
    "severity_mean": _LOGITS,
    "ability_mean": _LOGITS,
    "n_severe": _COUNT,
    "n_lenient": _COUNT,
    "n_changed": _COUNT,
    # fit
    "infit": _NUMBER,
    "outfit": _NUMBER,
    "infit_z": _TENTH,
    "outfit_z": _TENTH,
    "infit_low": _NUMBER,
    "infit_high": _NUMBER,
    "outfit_low": _NUMBER,
    "outfit_high": _NUMBER,
    "point_measure": _NUMBER,
    "point_measure_expected": _NUMBER,
    "discrimination": _NUMBER,
    "fit": _key("fit"),
    "fit_rule": _key("fit"),
    "expected_score": _LEVELS,
    "z": _TENTH,
    # what measures amount to
    "version": _key("version"),
    "n_elements": _COUNT,
    "measure_mean": _LOGITS,
    "measure_sd": _LOGITS,
    "rmse": _LOGITS,
    "true_sd": _LOGITS,
    "separation": _NUMBER,
    "strata": _TENTH,
    "reliability": _NUMBER,
    "fixed_chi2": _TENTH,
    "fixed_df": _COUNT,
    "fixed_p": _P,
    "random_chi2": _TENTH,
    "random_df": _COUNT,
    "random_p": _P,
    # levels
    "n_levels": _COUNT,
    "threshold": _LOGITS,
    "half_point": _LOGITS,
    "disordered": _P,
    "average_measure": _LOGITS,
    "expected_measure": _LOGITS,
    "location": _LOGITS,
    "level_probability": _P,
    "ability_low": _LOGITS,
    "ability_high": _LOGITS,
    "information": _NUMBER,
    # trainers as raters
    "n_pairs": _COUNT,
    "exact": _SHARE,
    "exact_expected": _SHARE,
    "rasch_kappa": _NUMBER,
    "centrality": _NUMBER,
    "centrality_low": _NUMBER,
    "centrality_high": _NUMBER,
    "centrality_verdict": _key("centrality_verdict"),
    "halo": _P,
    "halo_low": _P,
    "halo_high": _P,
    "halo_verdict": _key("halo_verdict"),
    "equivalence": _key("equivalence"),
    "severity_change": _LOGITS,
    # interactions and dependence
    "interaction": _key("interaction"),
    "chi2": _TENTH,
    "t": _NUMBER,
    "n_cells": _COUNT,
    "n_flagged": _COUNT,
    "bias": _LOGITS,
    "q3": _NUMBER,
    "q3_relative": _NUMBER,
    "limit": _NUMBER,
    "dimension": _COUNT,
    "eigenvalue": _NUMBER,
    "loading": _NUMBER,
    # a trainer's sheet
    "fair_difference": _LEVELS,
    "fair_difference_low": _LEVELS,
    "fair_difference_high": _LEVELS,
    "middle_low": _LEVELS,
    "middle_high": _LEVELS,
    "share_all": _SHARE,
    "change_levels": _LEVELS,
    # fairness
    "against": _key("against"),
    "group_gap": _LOGITS,
    "group_gap_levels": _LEVELS,
    "fairness_verdict": _key("fairness_verdict"),
    # planning
    "stage": _key("stage"),
    "proof": _key("proof"),
    "scheme": _key("scheme"),
    "goal": _key("goal"),
    "effect": _key("effect"),
    "by_trainers": _key("by_trainers"),
    "band": _LEVELS,
    "dependability_at_cut": _NUMBER,
    "wrong_level": Column("percent", decimals=1),
    "hours": Column("number", decimals=1, unit="hours"),
    "hours_each": Column("number", decimals=2, unit="hours"),
    "pareto": _FLAG,
    "wanted": _NUMBER,
    "size": _LEVELS,
    "power_now": _SHARE,
    "power_wanted": _SHARE,
    "n_now": _COUNT,
    "n_wanted": _COUNT,
    "bound": _COUNT,
    "gap": _COUNT,
    "share_comparable": _SHARE,
    "se_mean": Column("number", decimals=3, unit="logits"),
    "se_max": Column("number", decimals=3, unit="logits"),
    "share_over": _SHARE,
    "n_new": _COUNT,
    "se_before": Column("number", decimals=3, unit="logits"),
    "se_after": Column("number", decimals=3, unit="logits"),
    "reached": _FLAG,
    # the two parts of the certificate
    "direction": _key("direction"),
    "pix_gate": _key("pix_gate"),
    "state": _key("state"),
    "binding": _key("binding"),
}


def column(name: str) -> Column:
    """The entry of that name (KeyError when the dictionary lacks it)."""
    return COLUMNS[name]
