"""Measurements of models: size, speed, agreement, calibration, similarity."""
