"""What each lesson computes from traces: between the models and the figures, usable from a notebook alike."""
