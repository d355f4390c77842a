"""Intraclass correlations: which share of the variance of scores belongs to the students.

A *file* is what is rated (a student in one session). Components of variance are s (between students), r (between
trainers) and e (the rest: a trainer's own view of a student, and error).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from scipy.sparse import coo_array, csgraph

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
NIL = 1e-12
"""A sum of squares under this share of the total is none."""


@dataclass(frozen=True)
class Form:
    """One intraclass correlation: Shrout & Fleiss' name, and its value from s, r, e, k and q (any shapes that agree).

    ``two_way``: it needs trainers told apart from error. In the one-way forms e holds the trainers too, and r is 0.
    """

    name: str
    two_way: bool
    value: Callable[[Any, Any, Any, Any, Any], Any]


FORMS: dict[str, Form] = {
    "ICC(A,1)": Form("ICC(2,1)", True, lambda s, r, e, k, q: s / (s + r + e)),
    "ICC(A,k)": Form("ICC(2,k)", True, lambda s, r, e, k, q: s / (s + (r + e) / k)),
    "ICC(C,1)": Form("ICC(3,1)", True, lambda s, r, e, k, q: s / (s + e)),
    "ICC(C,k)": Form("ICC(3,k)", True, lambda s, r, e, k, q: s / (s + e / k)),
    "ICC(Q,k)": Form("", True, lambda s, r, e, k, q: s / (s + q * r + e / k)),
    "ICC(1)": Form("ICC(1,1)", False, lambda s, r, e, k, q: s / (s + e)),
    "ICC(k)": Form("ICC(1,k)", False, lambda s, r, e, k, q: s / (s + e / k)),
}
"""Names of McGraw & Wong (1996, doi:10.1037/1082-989X.1.1.30) with those of Shrout & Fleiss (1979,
doi:10.1037/0033-2909.86.2.420). ICC(Q,k) and k for incomplete designs: ten Hove, Jorgensen & van der Ark (2024,
doi:10.1037/met0000516), after Putka, Le, McCloy & Diaz (2008, doi:10.1037/0021-9010.93.5.959)."""


def value(form: str, parts: Any, k: float, q: float) -> Any:
    """A form at components (s, r, e or s, e; any shape each); NaN where nothing varies that it could compare."""
    s, e = parts[0], parts[-1]
    r = parts[1] if len(parts) == 3 else np.zeros_like(s)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(FORMS[form].value(s, r, e, k, q), dtype=float)


@dataclass(frozen=True)
class Panel:
    """Who rated what, and what that design can tell.

    ``k_effective`` is the harmonic mean of the number of trainers per file; ``non_overlap`` is Q, the share of the
    variance between trainers that stays in the comparison of two files: 0 when all have the same trainers, 1/k when no
    two files share one. ``islands`` counts groups that no file links; ``cycles`` is the number of ratings beyond those
    that a model of students and trainers uses up.
    """

    n_files: int
    n_trainers: int
    n_ratings: int
    k_effective: float
    non_overlap: float
    islands: int
    complete: bool

    @property
    def cycles(self) -> int:
        """Degrees of freedom left to the residual."""
        return self.n_ratings - self.n_files - self.n_trainers + self.islands

    @property
    def crossed(self) -> bool:
        """Whether trainers can be told apart from error: some of them met over files, more than once."""
        return self.cycles > 0 and self.n_trainers > self.islands


def panel(file: Any, trainer: Any, group: Any = None) -> Panel:
    """The design of some ratings: codes (rating,) of files and trainers, one rating per file and trainer.

    ``group`` (rating,): files are compared within a group only; by default all with all.
    """
    f, n_files = _codes(file)
    t, n_trainers = _codes(trainer)
    g = np.zeros(len(f), dtype=np.int64) if group is None else _codes(group)[0]
    size = n_files + n_trainers
    graph = coo_array((np.ones(len(f)), (f, n_files + t)), shape=(size, size))
    islands = int(csgraph.connected_components(graph, directed=False)[0]) if size else 0
    per_file = np.bincount(f, minlength=n_files).astype(float)
    k = n_files / float((1 / per_file).sum()) if n_files else np.nan
    q = _non_overlap(f, t, g, per_file) if n_files > 1 else np.nan
    complete = n_files > 1 and n_trainers > 1 and len(f) == n_files * n_trainers
    return Panel(n_files, n_trainers, len(f), k, q, islands, complete)


def _codes(values: Any) -> tuple[Ints, int]:
    codes = np.unique(np.asarray(values), return_inverse=True)[1].astype(np.int64)
    return codes, int(codes.max(initial=-1)) + 1


def _non_overlap(file: Ints, trainer: Ints, group: Ints, per_file: Floats) -> float:
    """Mean over files i, and over the others j of their group, of (1/k_i + 1/k_j)/2 − k_ij/(k_i k_j).

    k_ij is the number of trainers in common. With one group this is the Q of ten Hove et al.
    """
    home = np.zeros(len(per_file), dtype=np.int64)
    home[file] = group
    size = np.bincount(home)
    share = np.where(size[home] > 1, 1 / per_file, 0.0)
    if not share.any():
        return np.nan
    width = int(trainer.max()) + 1
    cell = group * width + trainer
    met = np.bincount(cell, share[file], len(size) * width) ** 2
    met -= np.bincount(cell, share[file] ** 2, len(size) * width)
    common = met.reshape(len(size), width).sum(axis=1) / np.maximum(size - 1, 1)
    return max(float(share.sum() - common.sum()) / int((share > 0).sum()), 0.0)


@dataclass(frozen=True)
class Estimate:
    """A correlation with its bounds, and the F test of no difference between students."""

    value: float
    low: float
    high: float
    f: float = np.nan
    df1: float = np.nan
    df2: float = np.nan
    p: float = np.nan


@dataclass(frozen=True)
class Anova:
    """Estimates by mean squares for each form, components (s, r, e or s, e) which may be negative, and their k."""

    estimates: dict[str, Estimate]
    components: Floats
    k: float
    exact: bool = False


def one_way(y: Any, file: Any, group: Any = None, level: float = 0.95) -> Anova:
    """One-way analysis of variance: trainers are part of the error, whoever they are.

    Files may have different numbers of ratings, k being then that of the expected mean square (Shrout & Fleiss 1979;
    Donner 1986, doi:10.2307/1403259), and the interval approximate. ``group`` (rating,): groups of files each with a
    mean of its own. Needs more files than groups and more ratings than files.
    """
    values = np.asarray(y, dtype=float)
    f, n = _codes(file)
    g = np.zeros(len(f), dtype=np.int64) if group is None else _codes(group)[0]
    per_file = np.bincount(f, minlength=n).astype(float)
    home = np.zeros(n, dtype=np.int64)
    home[f] = g
    mean = np.bincount(f, values, n) / per_file
    size = np.bincount(home, per_file)
    centre = np.bincount(home, per_file * mean) / size
    df1, df2 = n - len(size), len(f) - n
    between = float(per_file @ (mean - centre[home]) ** 2) / df1
    within = float(((values - mean[f]) ** 2).sum()) / df2
    k = float((len(f) - (np.bincount(home, per_file**2) / size).sum()) / df1)
    parts = np.array([(between - within) / k, within])
    if within * df2 <= NIL * float(((values - values.mean()) ** 2).sum()):
        return Anova({name: Estimate(1.0, np.nan, np.nan) for name in ("ICC(1)", "ICC(k)")}, parts, k, True)
    single = _ratio_form(between / within, df1, df2, k, level)
    return Anova({"ICC(1)": single, "ICC(k)": _stepped(single, k)}, parts, k)


def two_way(x: Any, level: float = 0.95) -> Anova:
    """Two-way analysis of variance of a complete table (student, trainer): the forms A and C.

    Intervals: exact for C; for A by Satterthwaite's degrees of freedom (Fleiss & Shrout 1978,
    doi:10.1007/BF02293867; McGraw & Wong 1996).
    """
    table = np.asarray(x, dtype=float)
    n, k = table.shape
    rows, columns, mean = table.mean(axis=1), table.mean(axis=0), table.mean()
    df1, df2 = n - 1, (n - 1) * (k - 1)
    between = k * float(((rows - mean) ** 2).sum()) / df1
    trainers = n * float(((columns - mean) ** 2).sum()) / (k - 1)
    error = float(((table - rows[:, None] - columns + mean) ** 2).sum()) / df2
    parts = np.array([(between - error) / k, (trainers - error) / n, error])
    if error * df2 <= NIL * float(((table - mean) ** 2).sum()):
        names = [name for name, form in FORMS.items() if form.two_way]
        parts[np.abs(parts) <= NIL * table.var()] = 0.0
        alone = {name: Estimate(float(value(name, parts, k, 0.0)), np.nan, np.nan) for name in names}
        return Anova(alone, parts, k, True)
    c = _ratio_form(between / error, df1, df2, k, level)
    a = _agreement(between, trainers, error, n, k, level, c)
    found = {"ICC(A,1)": a, "ICC(A,k)": _stepped(a, k), "ICC(C,1)": c, "ICC(C,k)": _stepped(c, k)}
    # All files have the same trainers: they make no difference between files.
    return Anova({**found, "ICC(Q,k)": found["ICC(C,k)"]}, parts, k)


def _ratio_form(f: float, df1: int, df2: int, k: float, level: float) -> Estimate:
    """(F − 1) / (F + k − 1), exact bounds from those of F; NaN where F is 0 and files hold one rating (k = 1)."""
    reach = (1 + level) / 2
    ratio = f * np.array([1.0, 1 / stats.f.ppf(reach, df1, df2), stats.f.ppf(reach, df2, df1)])
    below = ratio + k - 1
    point, down, up = np.where(below > NIL, (ratio - 1) / np.where(below > NIL, below, 1.0), np.nan).tolist()
    return Estimate(point, down, up, f, df1, df2, float(stats.f.sf(f, df1, df2)))


def _agreement(ms: float, mt: float, me: float, n: int, k: int, level: float, test: Estimate) -> Estimate:
    """Form A from the mean squares of students, trainers and error (error above 0)."""
    point = (ms - me) / (ms + (k - 1) * me + k * (mt - me) / n)
    ratio, rest = k * point * mt / me, n * (1 + (k - 1) * point) - k * point
    below = (n - 1) * ratio**2 + rest**2
    if below <= NIL:  # no variance to which degrees of freedom could be fitted
        return Estimate(point, np.nan, np.nan, test.f, test.df1, test.df2, test.p)
    v = (k - 1) * (n - 1) * (ratio + rest) ** 2 / below
    reach = (1 + level) / 2
    high, low = stats.f.ppf(reach, n - 1, v), stats.f.ppf(reach, v, n - 1)
    other = k * mt + (k * n - k - n) * me
    down, up = n * (ms - high * me) / (high * other + n * ms), n * (low * ms - me) / (other + n * low * ms)
    return Estimate(point, down, up, test.f, test.df1, test.df2, test.p)


def _stepped(single: Estimate, k: float) -> Estimate:
    """The mean of k trainers, by Spearman & Brown; NaN where the means of all files are equal."""
    rho = np.array([single.value, single.low, single.high])
    below = 1 + (k - 1) * rho
    point, low, high = np.where(below > NIL, k * rho / np.where(below > NIL, below, 1.0), np.nan).tolist()
    return Estimate(point, low, high, single.f, single.df1, single.df2, single.p)
