"""Knowledge distillation: losses, objectives, students and the training that fits them to a teacher.

For example:

    from core.distill.distiller import Arm, Distiller, TrainingConfig
    from core.distill.inputs.encoding import encode
    from core.distill.objectives.objective import CONTROL, mixture
    from core.distill.students import fresh, open_for, save

    teacher = open_for(folder, "single_label")
    texts = encode(tokenizer, sentences, classes)
    arms = {
        "distilled": Arm(fresh(teacher, "single_label", layers=2, width=128, heads=2), mixture(0.9, temperature=4.0)),
        "control": Arm(fresh(teacher, "single_label", layers=2, width=128, heads=2), CONTROL),
    }
    distiller = Distiller(teacher, arms, texts, TrainingConfig(steps=300))
    for step in distiller:
        print(step.number, step.arms["distilled"].terms)
    save(distiller.finish()["distilled"], "my-student", tokenizer)
"""
