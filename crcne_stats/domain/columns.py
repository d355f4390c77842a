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


def _each(names: str, column: Column) -> dict[str, Column]:
    return dict.fromkeys(names.split(), column)


_IDENTIFIER = Column("identifier")
_COUNT = Column("count")
_SHARE = Column("percent", decimals=0)
_SHARE_FINE = Column("percent", decimals=1)
_NUMBER = Column("number")
_LEVELS = Column("number", unit="levels")
_FLAG = Column("flag")
_LOGITS = Column("number", unit="logits")
_P = Column("number", decimals=3)
_TENTH = Column("number", decimals=1)
_LOGITS_SE = Column("number", decimals=3, unit="logits")

COLUMNS: dict[str, Column] = {
    # what a row is about
    **_each("student trainer inspe trainer_inspe session occasion", _IDENTIFIER),
    "mention": _name("mention"),
    "criterion": _name("criterion"),
    "item": _name("item"),
    "phase": _name("phase"),
    **_each("level other_level inspe_level pix_level joint_level", _name("level")),
    # the estimate
    **_each("value low high", _NUMBER),
    **_each("se se_linearised se_jackknife", _P),
    "method": _key("method"),
    "reason": _key("reason"),
    # tests
    "statistic": _NUMBER,
    **_each("df df2", _TENTH),
    **_each("p p_adjusted", _P),
    # on how many it rests
    **_each("n_students n_trainers n_criteria n_inspe n_files n_ratings n_sessions n_components n_expected", _COUNT),
    # design
    "component": _COUNT,
    "design": _key("design"),
    "facet": _key("facet"),
    "member": _IDENTIFIER,
    "trainers_per_file": _NUMBER,
    "panel_size": Column("number", decimals=0),
    **_each("share_double share_linked", _SHARE),
    "share_missing": Column("percent", decimals=1),
    # scores
    **_each("score mean sd", _LEVELS),
    "share": _SHARE,
    # agreement
    "coefficient": _key("coefficient"),
    "weights": _key("weights"),
    **_each("pa pe contrast contrast_low contrast_high half_width_now half_width lowest highest", _NUMBER),
    **_each("n_double n_needed n_more n_choices", _COUNT),
    **_each("trainer_a trainer_b", _IDENTIFIER),
    **_each(
        "percent percent_low percent_high probability share_flipped share_reversed share_below share_unsure", _SHARE
    ),
    "share_above": _SHARE,
    **_each("difference difference_low difference_high", _LEVELS),
    **_each("criterion_a criterion_b", _name("criterion")),
    "hypothesis": _key("hypothesis"),
    "scale": _key("scale"),
    "verdict": _key("verdict"),
    "verdict_low": _key("verdict"),
    "verdict_high": _key("verdict"),
    "verdict_sure": _key("verdict"),
    "reading": _key("reading"),
    "panel": _key("panel"),
    "conclusion": _key("conclusion"),
    "decisive": _key("choice"),
    # intraclass correlations
    **_each("form name", Column("text")),
    **_each("k_effective non_overlap f", _NUMBER),
    "df1": Column("number", decimals=0),
    # difficulty
    **_each("position item_rest item_rest_low item_rest_high item_rest_other item_rest_other_low", _NUMBER),
    **_each("item_rest_other_high polyserial polyserial_low polyserial_high alpha alpha_if_dropped omega", _NUMBER),
    **_each("omega_low omega_high", _NUMBER),
    "difficulty_se": _LOGITS_SE,
    **_each("difficulty_low difficulty_high", _LOGITS),
    "scope": _key("scope"),
    **_each("floor ceiling", _SHARE),
    "n_sheets": _COUNT,
    # generalizability
    **_each("source confounded", Column("terms")),
    "estimator": _key("estimator"),
    **_each("variance universe relative absolute", Column("number", decimals=4)),
    "n_members": _COUNT,
    "layout": _key("layout"),
    **_each("generalizability generalizability_low generalizability_high dependability dependability_low", _NUMBER),
    **_each("dependability_high weight universe_correlation error_correlation", _NUMBER),
    **_each("sem_relative sem_relative_low sem_relative_high sem_absolute sem_absolute_low sem_absolute_high", _LEVELS),
    "cut": _LEVELS,
    "change": _P,
    "phase_b": _name("phase"),
    "approach": _key("approach"),
    # many-facet Rasch: the model
    "thresholds": _key("thresholds"),
    "population": _key("population"),
    "constraint": _key("constraint"),
    **_each("chosen converged monotone with_halo with_slopes", _FLAG),
    **_each("log_likelihood deviance slope eap_reliability", _NUMBER),
    **_each("n_parameters iterations", _COUNT),
    **_each("aic bic", _TENTH),
    "gradient": Column("number", decimals=6),
    **_each("population_sd bias_difference halo_sd", _LOGITS),
    **_each("population_sd_se halo_sd_se", _LOGITS_SE),
    **_each("slope_se bias_factor", _P),
    # measures
    "assumption": _key("assumption"),
    **_each("severity difficulty displacement eap jml wle severity_mean ability_mean", _LOGITS),
    "robust_se": _P,
    **_each("observed_average expected_average fair_average fair_low fair_high fair_zero", _LEVELS),
    "wle_se": _LOGITS_SE,
    **_each("n_severe n_lenient n_changed", _COUNT),
    # fit
    **_each("infit outfit infit_low infit_high outfit_low outfit_high point_measure point_measure_expected", _NUMBER),
    "discrimination": _NUMBER,
    **_each("infit_z outfit_z z", _TENTH),
    "fit": _key("fit"),
    "fit_rule": _key("fit"),
    "expected_score": _LEVELS,
    # what measures amount to
    "version": _key("version"),
    **_each("n_elements fixed_df random_df", _COUNT),
    **_each("measure_mean measure_sd rmse true_sd", _LOGITS),
    **_each("separation reliability", _NUMBER),
    **_each("strata fixed_chi2 random_chi2", _TENTH),
    **_each("fixed_p random_p", _P),
    # levels
    "n_levels": _COUNT,
    **_each("threshold half_point average_measure expected_measure location ability_low ability_high", _LOGITS),
    **_each("disordered level_probability", _P),
    "information": _NUMBER,
    # trainers as raters
    "n_pairs": _COUNT,
    **_each("exact exact_expected", _SHARE),
    **_each("rasch_kappa centrality centrality_low centrality_high", _NUMBER),
    "centrality_verdict": _key("centrality_verdict"),
    **_each("halo halo_low halo_high", _P),
    "halo_verdict": _key("halo_verdict"),
    "equivalence": _key("equivalence"),
    "severity_change": _LOGITS,
    # interactions and dependence
    "interaction": _key("interaction"),
    "chi2": _TENTH,
    **_each("t q3 q3_relative limit eigenvalue loading", _NUMBER),
    **_each("n_cells n_flagged dimension", _COUNT),
    "bias": _LOGITS,
    # a trainer's sheet
    **_each("fair_difference fair_difference_low fair_difference_high middle_low middle_high change_levels", _LEVELS),
    "share_all": _SHARE,
    # fairness
    "group_by": _key("by"),
    "group": _IDENTIFIER,
    "against": _key("against"),
    **_each("group_gap gap_slope", _LOGITS),
    "group_gap_levels": _LEVELS,
    "fairness_verdict": _key("fairness_verdict"),
    # planning
    "stage": _key("stage"),
    "proof": _key("proof"),
    "scheme": _key("scheme"),
    "goal": _key("goal"),
    "effect": _key("effect"),
    "by_trainers": _key("by_trainers"),
    **_each("band size", _LEVELS),
    **_each("dependability_at_cut wanted", _NUMBER),
    "wrong_level": Column("percent", decimals=1),
    "hours": Column("number", decimals=1, unit="hours"),
    "hours_each": Column("number", decimals=2, unit="hours"),
    **_each("pareto reached", _FLAG),
    **_each("power_now power_wanted share_comparable share_over", _SHARE),
    **_each("n_now n_wanted bound gap n_new", _COUNT),
    **_each("se_mean se_max se_before se_after", _LOGITS_SE),
    # versions of the framework
    "status": _key("status"),
    "previous_criterion": _IDENTIFIER,
    **_each("previous_difficulty drift logit_change previous_cut carried_cut new_cut cut_gap severity_drift", _LOGITS),
    **_each("together link_constant inspe_gap", _LOGITS),
    **_each("link_error jackknife_error together_se", _LOGITS_SE),
    "drift_levels": _LEVELS,
    "robust_z": _TENTH,
    **_each("anchor flagged retained", _FLAG),
    "drift_verdict": _key("drift_verdict"),
    "belief": _key("belief"),
    "moved": _key("moved"),
    "moved_verdict": _key("moved_verdict"),
    "comparison": _key("comparison"),
    "allowed": _key("allowed"),
    "condition": _key("condition"),
    "link_method": _key("link_method"),
    "revision_sign": _key("revision_sign"),
    "revision_verdict": _key("revision_verdict"),
    **_each("low_without high_without link_slope before after gain", _NUMBER),
    **_each("share_other_level share_other_low share_other_high", Column("percent", decimals=1)),
    **_each("n_other_level n_anchors n_links", _COUNT),
    **_each("framework_from framework_to", Column("text")),
    # what to revise first
    **_each("strain strain_low strain_high tolerable priority_index priority_index_low priority_index_high", _NUMBER),
    **_each("probability_above share_first", _SHARE),
    **_each("rank rank_low rank_high rank_best rank_worst n_weightings n_displaced turn", _COUNT),
    "symptom": _key("symptom"),
    "priority": _key("priority"),
    "suggestion": _key("suggestion"),
    "weighting": _key("weighting"),
    "index_power": _TENTH,
    "rank_correlation": _NUMBER,
    **_each("lowest_level highest_level", _name("level")),
    # one verdict
    "judge": _key("judge"),
    **_each("answer by_agreement by_generalizability by_many_facet", _key("answer")),
    "concurrence": _key("concurrence"),
    "why": _key("why"),
    "overall": _key("overall"),
    "apart": _key("apart"),
    # published examples
    "example": _key("example"),
    "origin": _key("origin"),
    "quantity": Column("text"),
    **_each("expected obtained", Column("number", decimals=6)),
    **_each("off_by tolerance", Column("number", decimals=8)),
    "holds": _FLAG,
    **_each("n_numbers n_hold", _COUNT),
    # the two parts of the certificate
    "direction": _key("direction"),
    "closeness": _key("closeness"),
    **_each("n_equal n_above n_below n_groups", _COUNT),
    "reliability_from": _key("reliability_from"),
    **_each("corrected corrected_low corrected_high at_most at_most_low at_most_high", _NUMBER),
    **_each("reliability_low reliability_high with_pix with_pix_low with_pix_high log_odds odds_ratio", _NUMBER),
    **_each("dominance dominance_low dominance_high parallel_p", _P),
    "share_explained": _SHARE,
    "parallel_statistic": _NUMBER,
    "compared_with": _key("compared_with"),
    "cut_level": _name("level"),
    "best_cut": _FLAG,
    **_each("percentile foretold", _SHARE),
    **_each("rubric_measure youden", _NUMBER),
    "pix_score": Column("number", decimals=0),
    **_each("sensitivity sensitivity_low sensitivity_high specificity specificity_low specificity_high", _SHARE),
    **_each("ppv ppv_low ppv_high npv npv_low npv_high", _SHARE),
    "parallel_df": _TENTH,
    "pix_gate": _key("pix_gate"),
    "state": _key("state"),
    "binding": _key("binding"),
    # what would be
    "raised": _key("raised"),
    "level_rule": _key("level_rule"),
    "rounding": _key("rounding"),
    "move": _key("move"),
    "cut_method": _key("cut_method"),
    **_each("cut_score cut_low cut_high", _LOGITS),
    "cut_se": _LOGITS_SE,
    **_each("n_low n_high", _COUNT),
    # how often the certificate is wrong
    "part": _key("part"),
    "definition": _key("definition"),
    "risk": _key("risk"),
    "pix_error": _SHARE,
    **_each("wrong wrong_low wrong_high too_high too_low inspe_too_high inspe_too_low", _SHARE_FINE),
    **_each("wrong_change wrong_change_low wrong_change_high", _SHARE_FINE),
    **_each("accuracy accuracy_low accuracy_high consistency consistency_low consistency_high", _SHARE_FINE),
    "n_wrong": _TENTH,
    **_each("deserved_level adjusted_level", _name("level")),
    "severity_met": _LOGITS,
}


def column(name: str) -> Column:
    """The entry of that name (KeyError when the dictionary lacks it)."""
    return COLUMNS[name]
