"""Many threads that open models at the same moment, as visitors of a fresh server do."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import torch

from core.distill.students import fresh
from core.models import catalog, load


def test_models_opened_at_once_are_as_those_opened_alone():
    names = [card.name for card in catalog() if card.task == "words"]
    alone = {name: load(name, device="cpu").model.state_dict() for name in names}
    with ThreadPoolExecutor(8) as threads:
        for name, opened in [
            (name, threads.submit(load, name, "cpu")) for _ in range(3) for name in names
        ]:  # all begin before the first is asked for
            found = opened.result().model
            assert all(torch.equal(value, alone[name][key]) for key, value in found.state_dict().items()), name
            assert found.get_output_embeddings().weight is found.get_input_embeddings().weight


def test_a_student_made_while_others_are_opened_is_the_same_as_ever():
    teacher = load("kinds-teacher", device="cpu").model
    shape = (1, 32, 2)
    alone = fresh(teacher, "single_label", *shape, seed=3).state_dict()
    with ThreadPoolExecutor(4) as threads:
        opening = [threads.submit(load, "minilm-teacher", "cpu") for _ in range(6)]
        made = [fresh(teacher, "single_label", *shape, seed=3).state_dict() for _ in range(20)]
        for each in opening:
            each.result()
    for state in made:
        assert all(torch.equal(value, alone[key]) for key, value in state.items())
