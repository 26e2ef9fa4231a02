"""How long each experiment of the Experiments page takes, from the click to the last run's end, one after the other."""

from __future__ import annotations

import os
import tempfile
import time

from core.folders import FOLDER_VARIABLE
from core.labs.experiments import plans as experiments
from core.runs.server import close_run_queue, run_queue


def main() -> None:
    """Prints the seconds of each, and the machine's load."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ[FOLDER_VARIABLE] = folder
        shop = run_queue()
        while not shop.ready:
            time.sleep(0.1)
        for key in experiments.KEYS:
            pressed = time.perf_counter()
            names = experiments.begin(key)
            while any(shop.view(name).status.active for name in names):
                time.sleep(0.1)
            states = {shop.view(name).state for name in names}
            spent = time.perf_counter() - pressed
            print(f"{key}: {spent:.0f} s, {len(names)} runs, {', '.join(states)}; load {os.getloadavg()[0]:.1f}")
        close_run_queue()


if __name__ == "__main__":
    main()
