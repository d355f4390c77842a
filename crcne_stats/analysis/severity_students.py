"""The students in ``severity``: abilities and plausible values. Private: no output that is published holds them."""

from __future__ import annotations

import numpy as np
import pandas as pd

from crcne_stats.analysis.severity_fit import Fitted
from crcne_stats.analysis.severity_scale import Scale
from crcne_stats.core.graph import partners
from crcne_stats.core.rasch.abilities import posterior_draws
from crcne_stats.core.rasch.fitstats import fit_statistics
from crcne_stats.core.rasch.jml import JointFit
from crcne_stats.domain.result import Result


def student_table(fitted: Fitted, scale: Scale) -> pd.DataFrame:
    """``students``: a row for each student and session. Private: no output that is published holds it."""
    asked, rated = fitted.asked, fitted.rated
    shift = scale.shift[asked.component]
    eap, sd = fitted.measured.ability, np.sqrt(fitted.measured.variance)
    wle, wle_se = fitted.wle
    data = asked.data
    n_ratings = np.bincount(data.student, minlength=data.n_students)
    statistics = fit_statistics(fitted.found, fitted.residuals, fitted.found.student, data.n_students)
    average = np.bincount(data.student, asked.frame["score"].to_numpy(dtype=float), minlength=data.n_students)
    table = asked.people.copy()
    table = table.assign(
        component=asked.component + 1,
        eap=eap + shift,
        se=sd,
        low=eap + shift - fitted.reach * sd,
        high=eap + shift + fitted.reach * sd,
        wle=wle + shift,
        wle_se=wle_se,
        observed_average=average / np.maximum(n_ratings, 1),
        n_trainers=partners(data.student, data.facets["trainer"], data.n_students),
        n_ratings=n_ratings,
        infit=statistics.infit,
        outfit=statistics.outfit,
        infit_z=statistics.infit_z,
        outfit_z=statistics.outfit_z,
        reason=np.where(rated, "", "left_out").astype(object),
    )
    return table.rename(columns={"eap": "jml"}) if isinstance(fitted.plain, JointFit) else table


def plausible_values(result: Result, n: int = 5, seed: int = 1) -> pd.DataFrame:
    """Abilities drawn from each student's posterior, to carry its uncertainty into analyses of groups.

    Analyse each draw and combine the answers (Rubin 1987; Mislevy 1991, doi:10.1007/BF02294457); means and spreads of
    groups come out right, which those of posterior means do not.

    Parameters
    ----------
    result
        What ``severity`` returned from a marginal fit.
    n
        Draws for each student.

    Returns
    -------
    frame
        ``student``, ``session``, ``draw`` (from 1), ``ability`` in logits; students without a rating that counts are
        left out.

    Raises
    ------
    ValueError
        For a joint fit, which has no posterior, or fewer than one draw.
    """
    fitted, scale = result.model.fitted, result.model.scale
    posterior, nodes = fitted.measured.posterior, fitted.measured.nodes
    if not len(nodes) or n < 1:
        raise ValueError("plausible values need a marginal fit, and at least one draw")
    rng = np.random.default_rng(seed)
    rated = fitted.rated
    people = fitted.asked.people.loc[rated, ["student", "session"]]
    shift = scale.shift[fitted.asked.component][rated]
    draws = [posterior_draws(rng, posterior, nodes)[rated] + shift for _ in range(n)]
    parts = [people.assign(draw=place, ability=values) for place, values in enumerate(draws, 1)]
    return pd.concat(parts, ignore_index=True)
