"""The population of students: a normal ability with a mean that may depend on groups and covariates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from crcne_stats.core.rasch.design import Bools, Floats, Ints


@dataclass(frozen=True, eq=False)
class Population:
    """Latent regression: ability ~ N(offset + design · coefficient, sd²).

    ``design`` (student, column); no column at all holds the mean at the offset. ``sd`` holds the standard deviation.
    ``offset`` (student,) is the part of the mean that is known, 0 when absent.
    """

    design: Floats
    sd: float | None = None
    offset: Floats | None = None

    @property
    def n_columns(self) -> int:
        """Number of regression coefficients."""
        return int(self.design.shape[1])

    def mean(self, coefficient: Floats) -> Floats:
        """Mean ability (student,) at these coefficients (column,)."""
        found = self.design @ coefficient
        return found if self.offset is None else found + self.offset

    def informed(self, rated: Bools) -> Bools:
        """Columns (column,) that some rated student has: the others have no coefficient. ``rated`` (student,)."""
        return np.asarray((self.design[rated] != 0).any(axis=0))


def one_mean(n_students: int) -> Population:
    """One mean for all students. With several INSPÉ this is an assumption: that they are equally able."""
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


def anchored_means(group: Any, means: Any) -> Population:
    """The differences between the means of groups held at known values; one shift common to all is free.

    Parameters
    ----------
    group : (student,)
        Codes from 0.
    means : (group,)
        In logits, relative to one another; all equal states that the groups are equally able.
    """
    codes: Ints = np.asarray(group, dtype=np.int64)
    return Population(np.ones((len(codes), 1)), offset=np.asarray(means, dtype=float)[codes])


def yardstick(category: Any) -> Population:
    """One mean for each category of a yardstick that all groups share, such as the PIX+Édu level.

    This assumes that groups do not differ once the category is given. ``category`` (student,): codes from 0; students
    without one have a code of their own.
    """
    return group_means(category)


def dummies(code: Any) -> Floats:
    """Indicator columns (student, category − 1) of codes from 0, the first category left out."""
    codes: Ints = np.asarray(code, dtype=np.int64)
    return np.asarray(codes[:, None] == np.arange(1, int(codes.max(initial=0)) + 1), dtype=float)
