"""RaschPy's many-facet model on ratings that ``rasch.py`` drew: run by the interpreter that has RaschPy.

    python rasch_peer.py RATINGS.csv

Prints one line of JSON: seconds and processor seconds of calibration with standard
errors, and the severities.
"""

import json
import resource
import sys
import time
import warnings

import numpy as np
import pandas as pd
from raschpy import MFRM


def main() -> None:
    """Fit and print."""
    frame = pd.read_csv(sys.argv[1])
    sheet = frame.pivot(index=["trainer", "student"], columns="criterion", values="score")
    sheet.index.names = ["Rater", "Person"]
    sheet.columns = [f"c{code}" for code in sheet.columns]
    warnings.simplefilter("ignore")
    start, spent = time.perf_counter(), time.process_time()
    model = MFRM(sheet.astype(float), max_score=int(frame["score"].max()))
    model.calibrate("global")
    model.std_errors("global")
    answer = {
        "seconds": time.perf_counter() - start,
        "cpu": time.process_time() - spent,
        "mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "severity": np.asarray(pd.Series(model.raters_global), dtype=float).tolist(),
    }
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
