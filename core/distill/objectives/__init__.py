"""What a student is asked to minimise: losses, their terms, objectives and published recipes."""
