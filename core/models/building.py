"""Lock under which one model is built at a time in a process.

While transformers builds a model it changes what all threads share: the default dtype of torch, and how any model starts its
weights and ties them (`transformers.initialization.no_init_weights`, `no_tie_weights`). Two threads that open two models at
the same moment leave one of them with untied or random weights.
"""

from __future__ import annotations

import threading

ONE_AT_A_TIME = threading.RLock()
"""Held wherever a model is opened or made; a model that is opened once for all keeps the others waiting for half a second."""
