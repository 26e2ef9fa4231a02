"""Training objectives of a student: losses, their terms, their weighted sums and published recipes."""
