"""Students of the shipped definitions under a label budget."""

from __future__ import annotations

from core.data.kinds import definitions
from core.distill import label_budget


def test_students_with_and_without_a_teacher_start_alike_and_learn():
    """A few steps on the shipped data: the same first weights, another student, and the labels that the seed drew."""
    recipe = label_budget.StudentRecipe(layers=1, width=16, heads=2, steps=150, batch=16, rate=1e-2)
    budget = 200
    alone = label_budget.learn(label_budget.Trial(budget, None, 3), recipe)
    again = label_budget.learn(label_budget.Trial(budget, None, 3), recipe)
    ours, theirs = alone.state_dict(), again.state_dict()
    assert all((ours[name] == theirs[name]).all() for name in ours)
    found = label_budget.measured(label_budget.logits_of(alone, "validation"), "validation")
    assert found["accuracy"] > 1.5 / 16 and sum(found["count"]) == len(definitions("validation"))
