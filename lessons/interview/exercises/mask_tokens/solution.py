import torch


def mask_tokens(ids, special, draw, fate, words, mask_id):
    """all [batch, position] -> (what the model reads, labels), both [batch, position]"""
    chosen = (draw < 0.15) & ~special
    labels = torch.where(chosen, ids, -100)  # before anything is replaced
    changed = torch.where(fate < 0.8, mask_id, torch.where(fate < 0.9, words, ids))
    return torch.where(chosen, changed, ids), labels
