"""One module an exercise: `TASK`, with its reference, its cases and the usual misconceptions."""
