"""The families' records: every fact fits its models, no other module knows one, and a tenth family is one more record."""

from __future__ import annotations

import ast
from dataclasses import replace
from operator import attrgetter
from pathlib import Path

import pytest
import torch
import transformers

from core.distill.heads import layers_of, switch_off
from core.distill.students import from_layers, refuse_untrained_head
from core.errors import LabError
from core.models import load
from core.models.families import FAMILIES, at_layer, bert_like, family_of
from core.trace import trace

CORE = Path(__file__).resolve().parents[2] / "core"

OTHER_MEANINGS = {
    ("distill/objectives/recipes.py", "distilbert"),  # the recipe of that paper
    ("build/train/student.py", "distilbert"),  # the same recipe
    ("labs/mlm_masking/sentence_pair_figures.py", "albert"),  # the label of a row with that paper's numbers
}


def classifier(tiny, family: str) -> torch.nn.Module:
    """A classifier of that family with weights far from zero."""
    torch.manual_seed(1)
    config = tiny(family).model.config
    model = transformers.AutoModelForSequenceClassification.from_config(config).eval()
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    return model


@pytest.mark.parametrize("family", FAMILIES)
def test_the_paths_of_every_family_exist(tiny, family):
    model, facts = tiny(family).model, FAMILIES[family]
    names = [name for name, _ in model.named_modules()]
    for path in (facts.word_embeddings, facts.segment_embeddings, facts.position):
        assert path is None or len([name for name in names if name.endswith(path)]) == 1, path
    depth = model.config.num_hidden_layers
    written_once = 1 if facts.layers is None else depth
    assert len([name for name in names if name.endswith(facts.attention_output)]) == written_once
    if facts.layers is not None:
        assert len(attrgetter(facts.layers)(model.base_model)) == depth
    assert any(hasattr(model, name) for name in facts.head)
    assert facts.final_norm is None or attrgetter(facts.final_norm)(model) is not None
    assert not facts.causal or "CausalLM" in type(model).__name__ or "LMHead" in type(model).__name__
    found = {at_layer(name)[1] for name in model.state_dict() if at_layer(name)}
    assert found == (set() if facts.layers is None else set(range(depth)))


@pytest.mark.parametrize("family", FAMILIES)
def test_the_biases_of_every_family_are_those_of_its_heads(tiny, family):
    config = tiny(family).model.config
    heads = [tiny(family).model, classifier(tiny, family)]
    heads.append(transformers.AutoModelForTokenClassification.from_config(config))
    names = {name for model in heads for name, _ in model.named_parameters()}
    assert set(FAMILIES[family].head_biases) <= names


@pytest.mark.parametrize("family", bert_like())
@torch.no_grad()
def test_class_logits_are_what_the_model_itself_answers(tiny, family):
    model, ids = classifier(tiny, family), torch.tensor([[2, 5, 6, 7, 3], [2, 9, 8, 7, 3]])
    state = model.base_model(input_ids=ids).last_hidden_state
    torch.testing.assert_close(FAMILIES[family].class_logits(model, state), model(input_ids=ids).logits)


def test_no_other_module_of_core_names_a_family():
    found = set()
    for path in CORE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and node.value in FAMILIES:
                found.add((str(path.relative_to(CORE)), node.value))
    assert {pair for pair in found if pair[0] != "models/families.py"} == OTHER_MEANINGS


def test_a_tenth_family_is_one_more_record(tiny, monkeypatch, tmp_path):
    """CamemBERT is a RoBERTa by another name."""
    torch.manual_seed(0)
    config = transformers.CamembertConfig(**tiny("roberta").model.config.to_dict() | {"model_type": "camembert"})
    model = transformers.CamembertForMaskedLM(config)
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    model.save_pretrained(tmp_path)
    tiny("roberta").tokenizer.save_pretrained(tmp_path)
    with pytest.raises(LabError) as error:
        load(tmp_path, device="cpu")
    assert error.value.code == "unknown_family" and error.value.details["family"] == "camembert"

    record = replace(FAMILIES["roberta"], head_biases=("lm_head.bias",))
    monkeypatch.setitem(FAMILIES, "camembert", record)
    opened = load(tmp_path, device="cpu")
    assert opened.family is record is family_of(opened.model)
    assert opened.longest == config.max_position_embeddings - record.first_position
    found = trace(opened, "the king rules")
    assert found.check() < 1e-5 and found.embeddings.word is not None and found.embeddings.position is not None
    assert torch.allclose(opened.read_out(found.hidden[-1], is_last=True), found.logits, atol=1e-5)
    student = from_layers(opened.model, (0, 2), [(2, 1)])
    assert len(layers_of(student)) == 2
    switch_off(student, {0: [3]})
    refuse_untrained_head(opened.model)


def test_a_record_is_asked_not_a_list_of_names(tiny, monkeypatch):
    """What a record says is what happens: without W_V's path there is no head to switch off."""
    assert "roberta" in bert_like()
    monkeypatch.setitem(FAMILIES, "roberta", replace(FAMILIES["roberta"], value=None))
    with pytest.raises(LabError) as error:
        switch_off(tiny("roberta").model, {0: [1]})
    assert error.value.code == "not_bert_like" and "roberta" not in error.value.details["known"]
