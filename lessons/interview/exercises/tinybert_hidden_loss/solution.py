import torch
import torch.nn.functional as F


def hidden_loss(student_hidden, teacher_hidden, projection):
    """lists [batch, position, width], embeddings first; projection [student width, teacher width] -> one number"""
    block = (len(teacher_hidden) - 1) // (len(student_hidden) - 1)  # the embeddings are no layer
    total = 0.0
    for number, hidden in enumerate(student_hidden):
        total = total + F.mse_loss(hidden @ projection, teacher_hidden[number * block].detach())
    return total
