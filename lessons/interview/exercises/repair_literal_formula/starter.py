import torch
import torch.nn.functional as F


def distillation_loss(student_logits, teacher_logits, labels, temperature, soft_weight):
    """logits [batch, class], labels [batch] (-100: no label) -> one number"""
    T, alpha = temperature, soft_weight
    z_s, z_t = student_logits, teacher_logits
    # L_KD = alpha * T^2 * KL(z_t/T || z_s/T) + (1 - alpha) * H(y, sigma(z_s)), as document 003 writes it
    soft = T**2 * F.kl_div(z_s / T, z_t / T, reduction="batchmean")
    hard = F.cross_entropy(torch.softmax(z_s, dim=-1), labels)
    return alpha * soft + (1 - alpha) * hard
