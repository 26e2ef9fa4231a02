"""Distillery's library: everything a page shows, a notebook can compute with it."""
