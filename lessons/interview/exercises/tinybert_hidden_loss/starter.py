import torch
import torch.nn.functional as F


def hidden_loss(student_hidden, teacher_hidden, projection):
    """lists [batch, position, width], embeddings first; projection [student width, teacher width] -> one number"""
    ...
