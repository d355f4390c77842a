"""The population of students: a normal ability with a mean that may depend on groups and covariates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from crcne_stats.core.rasch.design import Floats, Ints


@dataclass(frozen=True, eq=False)
class Population:
    """Latent regression: ability ~ N(design · coefficient, sd²).

    ``design`` (student, column); no column at all holds the mean at 0. ``sd`` holds the standard deviation.
    """

    design: Floats
    sd: float | None = None

    @property
    def n_columns(self) -> int:
        """Number of regression coefficients."""
        return int(self.design.shape[1])


def one_mean(n_students: int) -> Population:
    """One mean for all students."""
    return Population(np.ones((n_students, 1)))


def zero_mean(n_students: int) -> Population:
    """The mean held at zero; another facet is then left uncentred."""
    return Population(np.zeros((n_students, 0)))


def group_means(group: Any, covariates: Any = None) -> Population:
    """A free mean for each group.

    Parameters
    ----------
    group : (student,)
        Codes from 0.
    covariates : (student, column), optional
        Further columns (dummies of session or mention without their first category), the same slope in all groups.
    """
    codes: Ints = np.asarray(group, dtype=np.int64)
    design = np.zeros((len(codes), int(codes.max(initial=0)) + 1))
    design[np.arange(len(codes)), codes] = 1.0
    if covariates is not None:
        design = np.column_stack([design, np.asarray(covariates, dtype=float)])
    return Population(design)
