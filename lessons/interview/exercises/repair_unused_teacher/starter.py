import torch
import torch.nn as nn


def distil(student, teacher, optimizer, batches, temperature, soft_weight):
    """batches: pairs of inputs [batch, feature] and labels [batch] -> the loss of each batch, as floats"""
    criterion = nn.CrossEntropyLoss()
    losses = []
    for data, target in batches:
        teacher_output = teacher(data)
        student_output = student(data)
        loss = criterion(student_output, target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses
