"""The training loop: the teacher stays as it is, arms are equal but for their objectives, a resumed training is the same."""

from __future__ import annotations

import copy
import math

import pytest
import torch

from core.distill.distiller import Arm, Distiller, TrainingConfig
from core.distill.evaluation import Evaluator
from core.distill.forward import forward, shape_of
from core.distill.inputs.words import WordsInUse
from core.distill.objectives.objective import CONTROL, Objective, mixture
from core.distill.objectives.recipes import RECIPES
from core.distill.objectives.terms import AttentionScores, Hard, Hidden, Soft, ValueRelation
from core.errors import LabError

TRAINING = TrainingConfig(steps=12, batch_size=10, learning_rate=3e-3, seed=1)
RICH = Objective((Soft(weight=0.5), Hard(weight=0.5), Hidden(), AttentionScores(), ValueRelation()))
RICH_BUT_HARD = Objective(tuple(term for term in RICH.terms if not isinstance(term, Hard)))


def curve(distiller):
    return [{name: (arm.loss, arm.terms) for name, arm in step.arms.items()} for step in distiller]


def weights(model):
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}


def test_the_teacher_stays_as_it_is_bit_by_bit(model, texts, task):
    teacher = model(task, layers=3)
    before = weights(teacher)
    distiller = Distiller(teacher, {"distilled": Arm(model(task, seed=2), RICH)}, texts(task), TRAINING)
    steps = list(distiller)
    assert [step.number for step in steps] == list(range(1, 13)) and distiller.finished
    after = teacher.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert not teacher.training and not any(p.requires_grad or p.grad is not None for p in teacher.parameters())
    assert set(steps[0].arms["distilled"].terms) == set(RICH.names)


def test_the_same_seed_gives_the_same_curve_and_another_another(model, texts, task):
    def run(seed, dropout=True):
        training = TrainingConfig(steps=8, batch_size=10, learning_rate=3e-3, seed=seed, dropout=dropout)
        return curve(
            Distiller(model(task, layers=3), {"a": Arm(model(task, seed=2), mixture())}, texts(task), training)
        )

    first = run(1)
    torch.rand(7)  # what happens elsewhere in the process does not matter
    assert first == run(1) != run(2)
    assert first != run(1, dropout=False)


def test_arms_with_one_objective_are_twins(model, texts):
    arms = {name: Arm(model(seed=2), objective) for name, objective in (("a", RICH), ("b", RICH), ("control", CONTROL))}
    training = TrainingConfig(steps=8, batch_size=10, learning_rate=3e-3, dropout=True)
    steps = curve(Distiller(model(layers=3), arms, texts(), training))
    assert all(step["a"] == step["b"] != step["control"] for step in steps)
    alone = curve(Distiller(None, {"control": Arm(model(seed=2), CONTROL)}, texts(), training))
    assert [step["control"] for step in steps] == [step["control"] for step in alone]


def test_a_student_that_is_its_teacher_has_nothing_to_learn(model, texts, task):
    teacher = model(task)
    training = TrainingConfig(steps=1, batch_size=10, max_grad_norm=1e9)
    arms = {"same": Arm(copy.deepcopy(teacher), RICH_BUT_HARD), "other": Arm(model(task, seed=2), RICH_BUT_HARD)}
    step = Distiller(teacher, arms, texts(task), training).step().arms
    assert abs(step["same"].loss) < 1e-5 and step["same"].gradient < 1e-4 * step["other"].gradient


def test_kept_answers_are_the_teachers(model, texts, task):
    """Recalled in other batches, from memory or from disk, they are what the teacher says of each text."""
    teacher, data = model(task, layers=3), texts(task).at_epoch(0)
    for bound in (10**9, 0):
        training = TrainingConfig(steps=12, batch_size=10, cache_bytes=bound)
        distiller = Distiller(teacher, {"a": Arm(model(task, seed=2), RICH)}, data, training)
        for rows in (torch.arange(9), torch.tensor([30, 2, 47, 8]), torch.tensor([5])):
            batch = data.batch(rows)
            with torch.no_grad():
                plain = forward(teacher, batch, task, distiller.teaching.needs)
            kept = distiller.teaching.features(batch)
            torch.testing.assert_close(kept.logits, plain.logits, rtol=1e-4, atol=1e-4)
            pairs = batch.real[:, None, :, None] & batch.real[:, None, None, :]
            for layer in plain.scores:
                ours, theirs = (f.scores[layer].masked_fill(~pairs, 0) for f in (kept, plain))
                torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-4)
            for layer in plain.hidden:
                torch.testing.assert_close(
                    kept.hidden[layer][batch.real], plain.hidden[layer][batch.real], rtol=1e-4, atol=1e-4
                )
            for layer in plain.values:
                ours, theirs = (f.values[layer].transpose(1, 2)[batch.real] for f in (kept, plain))
                torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-4)
        assert (distiller.teaching._temporary is not None) == (bound == 0)
        assert distiller.teaching._known.any()


def test_the_teacher_answers_once(model, texts, task):
    teacher, asked = model(task, layers=3), []
    teacher.base_model.register_forward_hook(lambda *_: asked.append(1))
    data = texts(task)
    training = TrainingConfig(steps=15, batch_size=10)
    for _ in Distiller(teacher, {"a": Arm(model(task, seed=2), mixture())}, data, training):
        pass
    # Five batches hold all texts; only masks that change with the epoch must be read anew.
    assert len(asked) == (15 if data.changes else 5)


def test_answers_that_are_known_are_not_asked_for(model, texts):
    teacher, asked = model(layers=3), []
    known = Evaluator(texts()).logits(teacher)
    teacher.base_model.register_forward_hook(lambda *_: asked.append(1))

    def run(objective, **options):
        return curve(Distiller(teacher, {"a": Arm(model(seed=2), objective)}, texts(), TRAINING, **options))

    ours = run(mixture(), known_logits=known)
    assert not asked
    theirs = run(mixture())
    assert ours[-1]["a"][0] == pytest.approx(theirs[-1]["a"][0], rel=1e-3)
    asked.clear()
    run(RICH, known_logits=known)
    assert asked  # logits alone do not say what attention was


def test_mixed_precision_learns_the_same(model, texts):
    def run(precision):
        training = TrainingConfig(steps=12, batch_size=10, learning_rate=3e-3, precision=precision)
        return curve(Distiller(model(layers=3), {"a": Arm(model(seed=2), RICH)}, texts(), training))

    exact, mixed = run("float32"), run("mixed")
    assert exact == run("auto") != mixed  # the CPU computes in float32 unless told otherwise
    assert mixed[-1]["a"][0] == pytest.approx(exact[-1]["a"][0], rel=0.1)


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_mixed_precision_is_autocast_around_the_forward_pass(model, texts, precision):
    """By hand, for one step: products in the lower precision, loss and weights in float32."""
    data, dtype = texts(), getattr(torch, precision)
    training = TrainingConfig(steps=1, batch_size=10, max_grad_norm=1e9, train_embeddings="all", precision=precision)
    teacher, student, twin = model(layers=3), model(seed=2), model(seed=2)
    distiller = Distiller(teacher, {"a": Arm(student, mixture(0.9, 4.0))}, data, training)
    batch = data.batch(distiller._batches[0])
    step = distiller.step().arms["a"]
    inputs = {"input_ids": batch.input_ids, "attention_mask": batch.attention_mask}
    with torch.autocast("cpu", dtype):
        with torch.no_grad():
            theirs = teacher(**inputs).logits
        ours = twin.requires_grad_()(**inputs).logits
    assert ours.dtype == theirs.dtype == dtype
    soft = (theirs.float() / 4).softmax(-1) * (
        (theirs.float() / 4).log_softmax(-1) - (ours.float() / 4).log_softmax(-1)
    )
    loss = 0.9 * 16 * soft.sum() / len(ours) + 0.1 * torch.nn.functional.cross_entropy(ours.float(), batch.labels)
    assert step.loss == pytest.approx(loss.item(), rel=1e-5)
    loss.backward()  # without a scale: at this size no gradient that matters is lost below 6e-8
    length = torch.stack([parameter.grad.norm() for parameter in twin.parameters()]).norm().item()
    assert step.gradient == pytest.approx(length, rel=1e-3)
    assert all(parameter.dtype == torch.float32 for parameter in student.parameters())


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_precision_by_name(model, texts, task, precision):
    def run(chosen):
        training = TrainingConfig(steps=12, batch_size=10, learning_rate=3e-3, precision=chosen)
        return curve(Distiller(model(task, layers=3), {"a": Arm(model(task, seed=2), RICH)}, texts(task), training))

    exact, found = run("float32"), run(precision)
    assert found != exact and found[-1]["a"][0] == pytest.approx(exact[-1]["a"][0], rel=0.1)
    assert (found == run("mixed")) == (precision == "bfloat16")


def test_auto_takes_bfloat16_only_where_a_gpu_computes_in_it(monkeypatch):
    auto, cuda = TrainingConfig(steps=1), torch.device("cuda")
    for native in (True, False):
        monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation, native=native: native)
        assert auto.autocast(cuda) == (torch.bfloat16 if native else None)
    assert auto.autocast(torch.device("mps")) is auto.autocast(torch.device("cpu")) is None
    assert TrainingConfig(steps=1, precision="float16").autocast(torch.device("cpu")) == torch.float16


def test_a_float16_gradient_that_overflows_costs_one_step_and_half_the_scale(model, texts):
    training = TrainingConfig(steps=12, batch_size=10, learning_rate=3e-3, precision="float16")
    arms = {name: Arm(model(seed=2), mixture()) for name in ("a", "b")}
    distiller = Distiller(model(layers=3), arms, texts(), training)
    scaler = distiller._trainers["a"]._scaler
    scaler.load_state_dict(scaler.state_dict() | {"scale": 2.0**40})
    before = weights(distiller.students["a"])
    step = distiller.step()
    assert not math.isfinite(step.arms["a"].gradient) and math.isfinite(step.arms["b"].gradient)
    assert all(torch.equal(tensor, before[name]) for name, tensor in weights(distiller.students["a"]).items())
    assert scaler.get_scale() == 2.0**39
    assert not all(torch.equal(tensor, before[name]) for name, tensor in weights(distiller.students["b"]).items())


def test_a_float16_gradient_that_overflows_unscaled_is_said(model, texts):
    distiller = Distiller(
        model(layers=3),
        {"a": Arm(model(), mixture())},
        texts(),
        TrainingConfig(steps=2, batch_size=10, precision="float16"),
    )
    scaler = distiller._trainers["a"]._scaler
    scaler.load_state_dict(scaler.state_dict() | {"scale": 1.0})
    parameter = next(iter(distiller._trainers["a"].parameters.values()))
    parameter.register_hook(lambda gradient: gradient * torch.inf)
    with pytest.raises(LabError) as error:
        distiller.step()
    assert error.value.code == "nan_loss"


def test_the_scale_survives_a_checkpoint(model, texts):
    def make():
        training = TrainingConfig(steps=8, batch_size=10, learning_rate=3e-3, dropout=True, precision="float16")
        return Distiller(model(layers=3), {"a": Arm(model(seed=2), mixture())}, texts(), training)

    whole, first, second = make(), make(), make()
    for distiller in (whole, first):  # three steps are lost until the scale fits
        scaler = distiller._trainers["a"]._scaler
        scaler.load_state_dict(scaler.state_dict() | {"scale": 2.0**33})
    expected = curve(whole)
    for _ in range(2):
        first.step()
    second.load_state_dict(copy.deepcopy(first.state_dict()))
    assert second._trainers["a"]._scaler.get_scale() == first._trainers["a"]._scaler.get_scale() < 2.0**33
    assert curve(second) == expected[2:]


def test_several_teachers_teach_the_mean_of_their_logits(model, texts, task):
    teachers, data = [model(task, layers=2, seed=seed) for seed in (1, 2, 3)], texts(task).at_epoch(0)
    distiller = Distiller(
        teachers, {"a": Arm(model(task, seed=4), mixture())}, data, TrainingConfig(steps=1, batch_size=48)
    )
    batch = data.batch(torch.arange(48))
    needs = distiller.teaching.needs
    with torch.no_grad():
        logits = [forward(teacher, batch, task, needs).logits for teacher in teachers]
    mean = torch.stack(logits).mean(dim=0)
    torch.testing.assert_close(distiller.teaching.features(batch).logits, mean, rtol=1e-4, atol=1e-4)
    live = distiller.teaching._live(batch, needs).logits
    torch.testing.assert_close(live, mean, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("stop", [3, 7])
def test_a_resumed_training_is_the_same_to_the_last_bit(model, texts, task, stop):
    def make():
        arms = {
            "a": Arm(model(task, width=16, seed=2), Objective((Soft(), Hidden()))),
            "control": Arm(model(task, width=16, seed=2), CONTROL),
        }
        training = TrainingConfig(steps=12, batch_size=10, learning_rate=3e-3, dropout=True)
        return Distiller(model(task, layers=3), arms, texts(task), training)

    whole, first, second = make(), make(), make()
    expected = curve(whole)
    for _ in range(stop):
        first.step()
    second.load_state_dict(copy.deepcopy(first.state_dict()))
    assert curve(second) == expected[stop:]
    for name, student in second.finish().items():
        ours, theirs = student.state_dict(), whole.finish()[name].state_dict()
        assert all(torch.equal(ours[key], theirs[key]) for key in ours)


def test_words_in_use_teach_the_same_student_as_all_words(model, texts):
    """Exactly what a dense AdamW over the whole table does: a word that never occurs has no gradient."""
    students = {}
    for words in ("in_use", "all", "frozen"):
        training = TrainingConfig(steps=12, batch_size=10, learning_rate=3e-3, train_embeddings=words)
        distiller = Distiller(model(layers=3), {"a": Arm(model(seed=2), mixture())}, texts(), training)
        assert isinstance(distiller.students["a"].get_input_embeddings(), WordsInUse) == (words == "in_use")
        for _ in distiller:
            pass
        students[words] = distiller.finish()["a"].state_dict()
    name = "bert.embeddings.word_embeddings.weight"
    for key, tensor in students["all"].items():
        torch.testing.assert_close(students["in_use"][key], tensor, rtol=1e-5, atol=1e-6)
    assert torch.equal(students["frozen"][name], model(seed=2).state_dict()[name])
    assert not torch.equal(students["all"][name], students["frozen"][name])


@pytest.mark.parametrize("recipe", sorted(RECIPES))
def test_every_recipe_brings_the_student_nearer(model, texts, recipe):
    teacher = model(layers=4)
    training = TrainingConfig(steps=40, batch_size=16, learning_rate=3e-3)
    distiller = Distiller(teacher, {"a": Arm(model(layers=2, seed=2, width=16), RECIPES[recipe])}, texts(), training)
    steps = [step.arms["a"] for step in distiller]
    if recipe == "tinybert":
        assert set(steps[19].terms) == {"embedding", "hidden", "attention_scores"} and set(steps[20].terms) == {"soft"}
    for part in (steps[:20], steps[20:]) if recipe == "tinybert" else (steps,):
        assert part[-1].loss < part[0].loss
    assert (len(distiller._trainers["a"].projections) > 0) == (recipe in ("distilbert", "tinybert", "pkd"))
    plain = set(distiller.finish()["a"].state_dict())
    assert plain == set(model(layers=2).state_dict())


def test_it_learns_each_task_and_evaluation_sees_it(model, texts, task):
    teacher, student, data = model(task, layers=3), model(task, seed=2), texts(task)
    held_out = Evaluator(data, teacher)
    before = held_out.scores(student)
    steps = 50
    arms = {"distilled": Arm(student, mixture(1.0, 2.0)), "control": Arm(model(task, seed=2), CONTROL)}
    distiller = Distiller(teacher, arms, data, TrainingConfig(steps=steps, batch_size=16, learning_rate=3e-3))
    for _ in distiller:
        pass
    distilled, control = (held_out.scores(each) for each in distiller.finish().values())
    perfect = held_out.scores(teacher)
    assert perfect.agreement == 1 and perfect.divergence == pytest.approx(0, abs=1e-5)
    assert distilled.divergence < before.divergence and distilled.agreement > before.agreement
    assert control.loss < before.loss and control.accuracy > before.accuracy
    assert distilled.agreement > control.agreement


def test_scores_are_the_obvious_ones(model, texts):
    network, data = model(), texts().without_labels([0, 1])
    logits = Evaluator(data).logits(network)
    with torch.no_grad():
        direct = [network(input_ids=data.batch(torch.tensor([i])).input_ids).logits[0] for i in range(len(data))]
    torch.testing.assert_close(logits, torch.stack(direct), rtol=1e-4, atol=1e-4)
    scores = Evaluator(data).scores(network)
    assert scores.accuracy == pytest.approx((logits.argmax(-1) == data.labels)[2:].float().mean().item())
    assert scores.loss == pytest.approx(torch.nn.functional.cross_entropy(logits[2:], data.labels[2:]).item(), rel=1e-4)
    assert scores.agreement != scores.agreement and scores.rows == len(data)  # NaN: there was no teacher
    several = texts("multi_label")
    said = Evaluator(several).logits(model("multi_label"))
    scores = Evaluator(several).scores(model("multi_label"))
    assert scores.accuracy == pytest.approx(((said > 0) == several.labels).float().mean().item())
    assert scores.loss == pytest.approx(
        torch.nn.functional.binary_cross_entropy_with_logits(said, several.labels).item() * 3, rel=1e-4
    )


def test_texts_without_labels_still_teach(model, texts):
    data = texts().without_labels(range(48))
    distiller = Distiller(model(layers=3), {"a": Arm(model(seed=2), mixture(0.5))}, data, TRAINING)
    steps = [step.arms["a"] for step in distiller]
    assert all(step.terms["hard"] == 0 for step in steps) and steps[-1].terms["soft"] < steps[0].terms["soft"]
    with pytest.raises(LabError) as error:
        Distiller(None, {"control": Arm(model(), CONTROL)}, data, TRAINING)
    assert error.value.code == "zero_labels"


def test_the_rate_rises_and_falls():
    training = TrainingConfig(steps=100, learning_rate=1.0, warmup=0.1)
    rates = [training.rate_at(step) for step in range(100)]
    assert rates[0] == pytest.approx(0.1) and max(rates) == 1.0 and rates.index(1.0) == 9
    assert rates[-1] == pytest.approx(1 / 90) and rates[9:] == sorted(rates[9:], reverse=True)
    assert TrainingConfig(steps=1).rate_at(0) > 0


def test_a_loss_that_is_no_number_moves_no_weight(model, texts):
    students = {"a": model(seed=2), "b": model(seed=3)}
    arms = {name: Arm(student, mixture()) for name, student in students.items()}
    distiller = Distiller(model(layers=3), arms, texts(), TRAINING)
    distiller.step()
    with torch.no_grad():
        students["b"].classifier.bias[0] = torch.nan
    before = weights(students["a"])
    with pytest.raises(LabError) as error:
        distiller.step()
    assert error.value.code == "nan_loss" and error.value.details["arm"] == "b" and error.value.details["step"] == 2
    assert all(torch.equal(before[name], tensor) for name, tensor in students["a"].state_dict().items())
    assert distiller.done == 1


def test_what_cannot_work_is_refused(model, texts, tiny):
    untrained = model()
    torch.nn.init.zeros_(untrained.classifier.bias)
    cases = {
        "untrained_head": (untrained, Arm(model(), mixture())),
        "different_labels": (model(labels=4), Arm(model(), mixture())),
        "different_heads": (model(), Arm(model(heads=2), RICH)),
        "bad_layers": (model(layers=2), Arm(model(layers=3), RICH)),
    }
    for code, (teacher, arm) in cases.items():
        with pytest.raises(LabError) as error:
            Distiller(teacher, {"a": arm}, texts(), TRAINING)
        assert error.value.code == code
    stranger = model()
    stranger.resize_token_embeddings(20, mean_resizing=False)
    with pytest.raises(LabError) as error:
        Distiller(stranger, {"a": Arm(model(), mixture())}, texts(), TRAINING)
    assert error.value.code == "different_vocabulary"
    with pytest.raises(ValueError, match="need a teacher"):
        Distiller(None, {"a": Arm(model(), mixture())}, texts(), TRAINING)
    Distiller(untrained, {"a": Arm(model(), Objective((Hidden(),)))}, texts(), TRAINING)  # its head is never asked
    assert shape_of(stranger).heads == 4
