import torch
import torch.nn.functional as F


def mlm_loss(logits, input_ids, chosen):
    """logits [batch, position, word]; the original ids and which were chosen, [batch, position] -> one number"""
    labels = input_ids.masked_fill(~chosen, -100)  # cross_entropy skips -100
    total = F.cross_entropy(logits.flatten(0, 1), labels.flatten(), ignore_index=-100, reduction="sum")
    return total / chosen.sum().clamp(min=1)  # a batch without a chosen token: 0, not 0 / 0
