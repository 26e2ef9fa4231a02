"""Build of everything under `assets/models` and `assets/data`, runnable again: `python -m core.build`.

The teacher's training is described in two files: `train/teacher.py` (on text, in `CYCLES`) and `train/rounds.toml` (on masked
examples that a larger model labelled, round after round). The folders follow the order of the work, and each reads only those
before it:

- `text`: the corpora, the sentences made from WordNet, the test sentences; all as token ids
- `labels`: the soft labels of masked examples, by SmolLM2 and by WordNet
- `train`: the trainings
- `measure`: the quality of the models
- `cards`: the text of their cards, and the writing of their files
- `stages`: the steps, with what each needs and leaves
"""
