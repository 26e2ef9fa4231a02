"""The shipped data sets, read from `assets/data`."""

from pathlib import Path

SHIPPED = Path(__file__).resolve().parents[2] / "assets" / "data"
"""The folder of the shipped data."""
