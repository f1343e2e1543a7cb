"""A tiny BERT, built from its configuration, in the Trainer of transformers: it says which page a text is from."""

import re
import zlib
from pydoc_data.topics import topics

import torch
from transformers import BertConfig, BertForSequenceClassification, Trainer, TrainingArguments, set_seed

from lrsearch import Run
from lrsearch.adapters.transformers import RunCallback

PAGES, WORDS, VOCABULARY = 4, 24, 1024
FIRST = 1  # the token at the beginning, from whose state BERT classifies
BATCH, PASSAGES = 16, 1000  # of a page, at most


def examples() -> list[dict[str, object]]:
    """Return passages of 24 words from the 4 longest pages, each with the number of its page."""
    longest = sorted(topics, key=lambda name: len(topics[name]))[-PAGES:]
    made = []
    for page, name in enumerate(longest):
        words = re.findall("[a-z]+", topics[name].lower())
        numbers = [2 + zlib.crc32(word.encode()) % (VOCABULARY - 2) for word in words]
        passages = torch.tensor(numbers[: len(numbers) // WORDS * WORDS]).view(-1, WORDS)
        passages = torch.nn.functional.pad(passages, (1, 0), value=FIRST)
        made += [{"input_ids": passage, "labels": page} for passage in passages[:PASSAGES]]
    return made


def train(run: Run) -> float:
    """Train and report; the Trainer's own schedule is replaced."""
    set_seed(run.seeds.init)
    sizes = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
    config = BertConfig(
        vocab_size=VOCABULARY, max_position_embeddings=WORDS + 1, num_labels=PAGES, initializer_range=0.2, **sizes
    )
    shuffled = torch.utils.data.random_split(
        examples(), [0.8, 0.1, 0.1], torch.Generator().manual_seed(run.seeds.split)
    )
    arguments = TrainingArguments(
        str(run.folder),
        max_steps=run.total_steps,
        per_device_train_batch_size=BATCH,
        data_seed=run.seeds.order,
        weight_decay=0.01,
        max_grad_norm=1.0,
        use_cpu=True,
        report_to="none",
        disable_tqdm=True,
    )
    trainer = Trainer(
        BertForSequenceClassification(config), arguments, train_dataset=shuffled[0], eval_dataset=shuffled[1]
    )
    callback = RunCallback(run, trainer, metric="eval_loss", test=shuffled[2])
    trainer.train(resume_from_checkpoint=callback.checkpoint)
    return run.last_score
