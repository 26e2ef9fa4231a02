import torch
import torch.nn.functional as F


def mlm_loss(logits, input_ids, chosen):
    """logits [batch, position, word]; the original ids and which were chosen, [batch, position] -> one number"""
    # As document 003 does: labels = inputs["input_ids"]
    return F.cross_entropy(logits.flatten(0, 1), input_ids.flatten())
