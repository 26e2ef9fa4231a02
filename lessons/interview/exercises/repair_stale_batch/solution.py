import torch
import torch.nn.functional as F


def distil(student, teacher, optimizer, batches, temperature, soft_weight):
    """batches: pairs of inputs [batch, feature] and labels [batch] -> the loss of each batch, as floats"""
    teacher.eval()
    student.train()
    losses = []
    for inputs, labels in batches:
        with torch.no_grad():
            teacher_logits = teacher(inputs)
        student_logits = student(inputs)
        log_s = F.log_softmax(student_logits / temperature, dim=-1)
        log_t = F.log_softmax(teacher_logits / temperature, dim=-1)
        soft = temperature**2 * F.kl_div(log_s, log_t, reduction="batchmean", log_target=True)
        loss = soft_weight * soft + (1 - soft_weight) * F.cross_entropy(student_logits, labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses
