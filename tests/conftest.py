"""Models for the tests: the shipped ones, and a tiny random one on disk for each family that the lab can open."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import pytest
import torch
import transformers
from hypothesis import settings
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

from core.distill.forward import observed
from core.distill.inputs.encoding import encode, masked
from core.distill.students import fresh
from core.engine import Engine, Setting, default_setting
from core.models import Checkpoint, load

torch.set_num_threads(1)
settings.register_profile("steady", derandomize=True)  # a landing shall not depend on what is drawn today
settings.load_profile("steady")
os.environ["DISTILLERY_DATA"] = tempfile.mkdtemp(prefix="distillery-")  # never the learner's own progress

WORDS = "the king rules a land queen sings of cats and dogs in paris france is capital over it what".split()
SPECIALS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
VOCABULARY = SPECIALS + WORDS + ["##s", "##ing", "##er", ".", ",", "?"]

FAMILY_MODELS = {
    "bert": "BertForMaskedLM",
    "distilbert": "DistilBertForMaskedLM",
    "roberta": "RobertaForMaskedLM",
    "albert": "AlbertForMaskedLM",
    "electra": "ElectraForMaskedLM",
    "mobilebert": "MobileBertForMaskedLM",
    "modernbert": "ModernBertForMaskedLM",
    "gpt2": "GPT2LMHeadModel",
    "llama": "LlamaForCausalLM",
}


def _tokenizer() -> transformers.PreTrainedTokenizerFast:
    """WordPiece over a vocabulary of a few words, with [CLS] and [SEP] around it."""
    ids = {piece: i for i, piece in enumerate(VOCABULARY)}
    tokenizer = Tokenizer(models.WordPiece(ids, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", ids["[CLS]"]), ("[SEP]", ids["[SEP]"])],
    )
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        unk_token="[UNK]",
        pad_token="[PAD]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        mask_token="[MASK]",
    )


def _config(family: str) -> transformers.PretrainedConfig:
    """A model of two or three layers, wide enough to tell its parts apart."""
    special = {"pad_token_id": 0, "bos_token_id": 2, "eos_token_id": 3, "cls_token_id": 2, "sep_token_id": 3}
    shape = {"hidden_size": 32, "num_hidden_layers": 3, "num_attention_heads": 4, "intermediate_size": 64}
    if family == "distilbert":
        shape = {"dim": 32, "n_layers": 3, "n_heads": 4, "hidden_dim": 64}
    if family == "gpt2":
        shape = {"n_embd": 32, "n_layer": 3, "n_head": 4}
    if family in ("albert", "electra"):
        shape["embedding_size"] = 16
    if family == "llama":
        shape["num_key_value_heads"] = 2
    if family == "modernbert":
        shape |= {"local_attention": 4, "global_attn_every_n_layers": 2}
    if family == "mobilebert":
        shape |= {"embedding_size": 16, "intra_bottleneck_size": 16, "num_feedforward_networks": 2}
    return transformers.CONFIG_MAPPING[family](
        vocab_size=len(VOCABULARY), max_position_embeddings=64, **shape, **special
    )


@pytest.fixture(scope="session")
def family_folder(tmp_path_factory):
    """`family_folder(name)`: the folder of a tiny random checkpoint of that family, saved as transformers saves it."""
    folders: dict[str, Path] = {}

    def make(family: str) -> Path:
        if family not in folders:
            torch.manual_seed(0)
            model = getattr(transformers, FAMILY_MODELS[family])(_config(family))
            for name, parameter in model.named_parameters():  # far from zero, so that every part has something to show
                scale = parameter.ndim == 1 and name.endswith("weight")  # of a layer norm
                torch.nn.init.normal_(parameter, mean=float(scale), std=0.3 if parameter.ndim > 1 else 0.1)
            folder = tmp_path_factory.mktemp(family)
            model.save_pretrained(folder)
            _tokenizer().save_pretrained(folder)
            folders[family] = folder
        return folders[family]

    return make


@pytest.fixture(scope="session")
def tiny(family_folder):
    """`tiny(name)`: that checkpoint, opened by the lab on the CPU."""
    opened: dict[str, Checkpoint] = {}

    def open_one(family: str) -> Checkpoint:
        if family not in opened:
            opened[family] = load(family_folder(family), device="cpu")
        return opened[family]

    return open_one


@pytest.fixture(scope="module")
def engine() -> Engine:
    """An engine of the module's own, which has opened nothing yet."""
    return Engine()


@pytest.fixture(scope="module")
def setting() -> Setting:
    """The models, device and precision that a page opens with."""
    return default_setting()


@pytest.fixture(scope="session")
def broken_folder(family_folder, tmp_path_factory):
    """A BERT checkpoint whose weights file was cut in half."""
    folder = tmp_path_factory.mktemp("broken") / "bert"
    shutil.copytree(family_folder("bert"), folder)
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[: weights.stat().st_size // 2])
    return folder


# What students learn from in tests of distillation and of runs

SENTENCES = [
    f"{start} {verb} {end}"
    for start in ("the king", "a queen", "dogs and cats in paris", "what")
    for verb in ("rules", "sings of", "is")
    for end in ("the land", "a capital of france", "cats", "paris, the capital of a land")
]


@pytest.fixture(scope="session")
def sentences():
    return SENTENCES


@pytest.fixture
def model(tiny):
    """`model(task, layers, ...)`: a small BERT with weights far from zero, in eval mode, a new one at each call."""

    def make(task="single_label", layers=2, width=32, heads=4, labels=3, seed=0, **options):
        made = fresh(tiny("bert").model, task, layers, width, heads, labels, dropout=0.1, seed=seed, **options)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed + 100)
            for name, parameter in made.named_parameters():
                if "LayerNorm" not in name:
                    torch.nn.init.normal_(parameter, std=0.2)
        return observed(made).eval()

    return make


@pytest.fixture
def texts(tiny, sentences):
    """`texts(task)`: the sentences with labels that can be learned from their words."""
    tokenizer = tiny("bert").tokenizer

    def make(task="single_label", rows=None):
        chosen = sentences if rows is None else sentences[:rows]
        if task == "masked_words":
            return masked(tokenizer, chosen, probability=0.3, seed=5)
        if task == "token_labels":
            words = [sentence.replace(",", " ,").split() for sentence in chosen]
            return encode(tokenizer, words, [[len(word) % 3 for word in row] for row in words], task)
        if task == "multi_label":
            labels = [[int(word in sentence) for word in ("king", "cats", "paris")] for sentence in chosen]
            return encode(tokenizer, chosen, labels, task)
        return encode(tokenizer, chosen, ["king" in s or 2 * ("is" in s.split()) for s in chosen], task)

    return make


@pytest.fixture(params=["single_label", "multi_label", "token_labels", "masked_words"])
def task(request):
    return request.param
