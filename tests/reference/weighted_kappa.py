"""Weighted kappa and its standard error (Fleiss, Cohen & Everitt 1969) by statsmodels.

    python tests/reference/weighted_kappa.py > tests/reference/weighted_kappa.json

``cohen`` is Cohen's table (1968, doi:10.1037/h0026256), ``skin`` the two dermatologists of the manual of SAS PROC FREQ
(example «SkinCondition»). R psych 2.2.9 is no source for this error: its ``cohen.kappa`` takes ``rowSums(w * rs)``, a
row's own share times its summed weights, where the formula has the mean weight over the margin (0.05449 for 0.05443 on
``cohen``, 0.0700 for 0.0655 on ``skin``); unweighted it is right.
"""

from __future__ import annotations

import json

import statsmodels
from statsmodels.stats.inter_rater import cohens_kappa

TABLES = {
    "cohen": [[88, 10, 2], [14, 40, 6], [18, 10, 12]],
    "skin": [[10, 4, 1, 0], [5, 10, 12, 2], [2, 4, 12, 5], [0, 2, 6, 13]],
}


def main() -> None:
    """Print the reference file."""
    found = {}
    for name, table in TABLES.items():
        own = {"table": table}
        for weights, wt in (("identity", None), ("linear", "linear"), ("quadratic", "quadratic")):
            answer = cohens_kappa(table, wt=wt)
            own[weights] = [float(answer.kappa), float(answer.std_kappa)]
        found[name] = own
    print(json.dumps({"made_by": f"statsmodels {statsmodels.__version__}", "tables": found}))


if __name__ == "__main__":
    main()
