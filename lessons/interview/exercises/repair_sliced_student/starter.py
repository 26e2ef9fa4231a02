import copy

from torch import nn


def make_student(teacher, keep):
    """teacher: a model with .config and .layer; keep: numbers of layers -> a student with copies of these layers"""
    student = teacher
    student.layer = student.layer[: len(keep)]  # as document 003 keeps "the first three blocks"
    return student
