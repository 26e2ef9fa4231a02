"""How everything under `assets/models` and `assets/data` was made, runnable again: `python -m core.build`.

How the teacher was trained is said in two files: `train/teacher.py` (on text, in `CYCLES`) and `train/rounds.toml` (on blanks
that a larger model labelled, round after round). The folders follow the order of the work, and each reads only those before it:

- `text`: the corpora, what is made of WordNet, the sentences that measure; all as token ids
- `labels`: the soft labels of blanks, by SmolLM2 and by WordNet
- `train`: the trainings
- `measure`: how good the models are
- `cards`: what their cards say, and how their files are written
- `stages`: the steps, with what each needs and leaves
"""
