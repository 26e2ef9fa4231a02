import torch


def top_p(logits, p):
    """logits [..., token] -> probabilities [..., token]"""
    probabilities = logits.softmax(dim=-1)
    ordered, order = probabilities.sort(dim=-1, descending=True)
    before = ordered.cumsum(dim=-1) - ordered  # the mass of all that are more likely
    kept = ordered * (before < p)  # the token that reaches p is still in
    kept = kept / kept.sum(dim=-1, keepdim=True)
    return torch.zeros_like(probabilities).scatter(-1, order, kept)  # back to the tokens' places
