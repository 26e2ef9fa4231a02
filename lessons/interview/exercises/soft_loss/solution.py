import torch
import torch.nn.functional as F


def soft_loss(student_logits, teacher_logits, temperature):
    """both [batch, class] -> one number, float32"""
    log_s = F.log_softmax(student_logits.float() / temperature, dim=-1)
    log_t = F.log_softmax(teacher_logits.detach().float() / temperature, dim=-1)
    # kl_div(input, target) is KL(target || input): the student comes first, as a logarithm.
    return temperature**2 * F.kl_div(log_s, log_t, reduction="batchmean", log_target=True)
