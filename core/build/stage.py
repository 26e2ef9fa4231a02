"""A step of the build, and the order in which steps must run; `core.build.__main__` runs them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass


class StageError(ValueError):
    """Stages that cannot be run. The message is a sentence for the caller."""


@dataclass(frozen=True)
class Stage:
    """A step of the build.

    Attributes:
        name: by which it is started.
        leaves: what it writes, for people.
        minutes: about how long it takes on two idle cores.
        done: whether nothing is left for it to do.
        run: does what is left.
        needs: the names of the stages whose results it reads.
        outside: what it reads that no stage makes, for people: packages, corpora.
        shipped: whether what later stages read of it is there, as it is in a fresh copy of the project; None where that is
            the same as `done`.
    """

    name: str
    leaves: str
    minutes: int
    done: Callable[[], bool]
    run: Callable[[], None]
    needs: tuple[str, ...] = ()
    outside: tuple[str, ...] = ()
    shipped: Callable[[], bool] | None = None

    @property
    def usable(self) -> bool:
        """True if a stage that needs this one can start."""
        return (self.shipped or self.done)()


def ordered(stages: Iterable[Stage]) -> list[Stage]:
    """The stages as they are listed, but each after those that it needs.

    Raises:
        StageError: two stages share a name, a stage needs one that is not there, or stages need each other in a circle.
    """
    listed = list(stages)
    known = {stage.name: stage for stage in listed}
    if len(known) < len(listed):
        names = [stage.name for stage in listed]
        raise StageError(f"Two stages are called {next(name for name in names if names.count(name) > 1)}.")
    found: dict[str, Stage] = {}

    def add(stage: Stage, asked_by: tuple[str, ...]) -> None:
        if stage.name in asked_by:
            circle = (*asked_by[asked_by.index(stage.name) :], stage.name)
            raise StageError(f"Stages need each other in a circle: {' needs '.join(circle)}.")
        if stage.name in found:
            return
        for need in stage.needs:
            if need not in known:
                raise StageError(f"The stage {stage.name} needs {need}, but there is no such stage.")
            add(known[need], (*asked_by, stage.name))
        found[stage.name] = stage

    for stage in listed:
        add(stage, ())
    return list(found.values())


def asked_for(names: Collection[str], stages: Iterable[Stage]) -> list[Stage]:
    """The named stages and what they need that is not there yet, in their order; "all" names every stage.

    What a stage needs is not made again where its result is there already, be it only as shipped.

    Raises:
        StageError: there is no stage of a name; and as `ordered`.
    """
    order = ordered(stages)
    known = {stage.name: stage for stage in order}
    unknown = [name for name in names if name not in known and name != "all"]
    if unknown:
        raise StageError(f"There is no stage {', '.join(unknown)}. Stages: {', '.join(known)}, or all.")
    if "all" in names:
        return order
    wanted: set[str] = set()

    def want(stage: Stage) -> None:
        if stage.name not in wanted:
            wanted.add(stage.name)
            if not stage.done():
                for need in stage.needs:
                    if not known[need].usable:
                        want(known[need])

    for name in names:
        want(known[name])
    return [stage for stage in order if stage.name in wanted]
