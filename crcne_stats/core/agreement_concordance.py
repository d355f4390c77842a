"""Tests of Kendall's W against rankings that have nothing to do with each other."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import stats

from crcne_stats.core.agreement import moments_of, values
from crcne_stats.core.counts import Counts


def concordance_tests(data: Counts) -> list[dict[str, Any]]:
    """χ² and F of Kendall's W: method, statistic, df, df2 (NaN for χ²) and p.

    With k ratings per file (their mean where trainers rated different files, as in the R package irrNA) and n files,
    χ² = k (n − 1) W on n − 1 degrees of freedom (Friedman 1937, doi:10.1080/01621459.1937.10503522) and
    F = (k − 1) W / (1 − W) on n − 1 − 2 / k and (k − 1) times as many (Kendall & Babington Smith 1939,
    doi:10.1214/aoms/1177732186); F keeps its level better (Legendre 2005, doi:10.1198/108571105X46642). NaN where W
    does not exist, F also where W is 1.
    """
    n, nan = int(data.pairable.sum()), float("nan")
    w = float(values(moments_of(data, "kendall_w", None), "kendall_w", None)[0][0]) if n else nan
    k = data.n_ratings_pairable / n if n else nan
    chi2 = k * (n - 1) * w
    first = {
        "method": "friedman",
        "statistic": chi2,
        "df": float(n - 1),
        "df2": nan,
        "p": float(stats.chi2.sf(chi2, n - 1)),
    }
    df1 = n - 1 - 2 / k if n else nan
    if np.isnan(w) or w >= 1 or df1 <= 0:
        return [first, {"method": "kendall_f", "statistic": nan, "df": nan, "df2": nan, "p": nan}]
    f = (k - 1) * w / (1 - w)
    df2 = (k - 1) * df1
    return [first, {"method": "kendall_f", "statistic": f, "df": df1, "df2": df2, "p": float(stats.f.sf(f, df1, df2))}]
