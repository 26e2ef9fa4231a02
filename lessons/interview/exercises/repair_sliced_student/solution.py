import copy

from torch import nn


def make_student(teacher, keep):
    """teacher: a model with .config and .layer; keep: numbers of layers -> a student with copies of these layers"""
    student = copy.deepcopy(teacher)
    student.layer = nn.ModuleList(student.layer[number] for number in keep)
    student.config["num_hidden_layers"] = len(keep)  # or a saved student would come back as deep as its teacher
    return student
