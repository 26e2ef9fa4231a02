"""What each lesson computes from traces, and its figures: a folder per lesson, usable from a notebook alike."""
