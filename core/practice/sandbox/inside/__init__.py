"""All that enters the sandbox: the process that waits, its walls, and how a learner's function is called.

These modules import PyTorch, NumPy and the standard library, and nothing of the project: no test's expected value and no
solution can be read from inside, because none is there. The grader, outside, imports the same modules to call its references.
"""
