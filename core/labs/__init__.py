"""Computations and figures of each lesson, made from traces: a folder per lesson, usable from a notebook as well."""
