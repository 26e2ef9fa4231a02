"""Inputs of a training: texts as token ids, in batches, and the rows of the vocabulary that they use."""
