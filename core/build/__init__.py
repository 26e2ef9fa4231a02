"""How everything under `assets/models` was made, runnable again: `python -m core.build`."""
