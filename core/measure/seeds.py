"""Values of a measure over the seeds of an experiment."""

from __future__ import annotations

from statistics import fmean, stdev


class OverSeeds:
    """For a class that holds `values`, one per seed."""

    values: tuple[float, ...]

    @property
    def mean(self) -> float:
        """Over the seeds."""
        return fmean(self.values)

    @property
    def std(self) -> float:
        """The standard deviation over the seeds (of a sample, n − 1); 0 for one."""
        return stdev(self.values) if len(self.values) > 1 else 0.0
