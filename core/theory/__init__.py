"""The formulas as a textbook has them, in a few lines each, without any model."""
