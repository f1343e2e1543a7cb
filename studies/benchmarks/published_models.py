"""Small models after published papers, each as a workload with its own optimizer, for tests and bench_workloads.

They are written anew from the papers, at sizes of thousands of parameters: what counts is how they are trained.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from lrsearch.training.optimizers.rule import OptimizerSettings, UpdateRule
from lrsearch.workloads import Dataset, Workload

CLASSES, SIDE, WORDS, LENGTH = 4, 12, 16, 12
EXAMPLES, HELD_OUT, BATCH = 160, 40, 16


@dataclass(frozen=True)
class PublishedModel:
    """A workload, and how its optimizer is set.

    Attributes:
        workload: what is trained.
        rate: its largest learning rate.
        rule, settings: of the optimizer.
    """

    workload: Workload
    rate: float
    rule: UpdateRule
    settings: OptimizerSettings = field(default_factory=OptimizerSettings)


def images() -> Dataset:
    """Return pictures `[n, 1, 12, 12]` of uint8 in four classes: a bright quarter in noise."""
    generator = torch.Generator().manual_seed(0)
    y = torch.randint(CLASSES, (EXAMPLES + HELD_OUT,), generator=generator)
    x = torch.randint(160, (len(y), 1, SIDE, SIDE), generator=generator, dtype=torch.uint8)
    half = SIDE // 2
    for picture, label in zip(x, y.tolist(), strict=True):
        rows, columns = (slice(half * part, half * (part + 1)) for part in divmod(label, 2))
        picture[0, rows, columns] += 60
    return Dataset(x[:EXAMPLES], y[:EXAMPLES], x[EXAMPLES:], y[EXAMPLES:])


def text() -> Dataset:
    """Return windows of a text `[n, 12]` with the letters that follow; its last part is for validation."""
    generator = torch.Generator().manual_seed(1)
    steps = torch.randint(3, ((EXAMPLES + 2 * HELD_OUT) * LENGTH + 1,), generator=generator)
    letters = steps.cumsum(0) % WORDS
    x, y = letters[:-1].reshape(-1, LENGTH), letters[1:].reshape(-1, LENGTH)
    fit, rest = slice(EXAMPLES), slice(EXAMPLES, EXAMPLES + HELD_OUT)
    test = slice(EXAMPLES + HELD_OUT, None)
    return Dataset(x[fit], y[fit], x[test], y[test], validation_x=x[rest], validation_y=y[rest])


def sentences() -> Dataset:
    """Return sentences `[n, 12]` of word numbers, 0 where they have ended, and whether word 1 is among them."""
    generator = torch.Generator().manual_seed(2)
    x = torch.randint(1, WORDS, (EXAMPLES + HELD_OUT, LENGTH), generator=generator)
    lengths = torch.randint(LENGTH // 2, LENGTH + 1, (len(x), 1), generator=generator)
    x = torch.where(torch.arange(LENGTH) < lengths, x, 0)
    y = (x == 1).any(1).long()
    return Dataset(x[:EXAMPLES], y[:EXAMPLES], x[EXAMPLES:], y[EXAMPLES:])


def table() -> Dataset:
    """Return rows of eight numbers with a smooth target, four rows to a group."""
    generator = torch.Generator().manual_seed(3)
    x = torch.randn(EXAMPLES + HELD_OUT, 8, generator=generator)
    y = x[:, 0] * x[:, 1] + x[:, 2].sin() + 0.1 * torch.randn(len(x), generator=generator)
    return Dataset(x[:EXAMPLES], y[:EXAMPLES], x[EXAMPLES:], y[EXAMPLES:], groups=torch.arange(EXAMPLES) // 4)


def pixels(x: Tensor) -> Tensor:
    """Map uint8 pixels to floats -1 .. 1."""
    return x.to(torch.get_default_dtype()).div(127.5).sub(1)


def crop_and_flip(x: Tensor, generator: torch.Generator) -> Tensor:
    """Shift each picture by up to two pixels, black behind its edge, and mirror every second one."""
    count, side = len(x), x.shape[-1]
    padded = functional.pad(x, (2, 2, 2, 2))
    down, right = torch.randint(5, (2, count, 1), generator=generator, device=x.device)
    mirrored = torch.rand(count, 1, generator=generator, device=x.device) < 0.5
    places = torch.arange(side, device=x.device)
    rows, columns = places + down, torch.where(mirrored, places.flip(0), places) + right
    picture = torch.arange(count, device=x.device)[:, None, None]
    return padded[picture, :, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2).contiguous()


def mnist_net() -> nn.Module:
    """Return a small convolutional network with dropout, as in the introductions to MNIST."""
    return nn.Sequential(
        nn.Conv2d(1, 8, 3),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Dropout(0.25),
        nn.Flatten(),
        nn.Linear(8 * 25, 32),
        nn.ReLU(),
        nn.Dropout(0.5),
        nn.Linear(32, CLASSES),
    )


class Residual(nn.Module):
    """Two normalised convolutions and a shortcut: He et al., "Deep residual learning" (2015)."""

    def __init__(self, before: int, after: int, stride: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(before, after, 3, stride, 1, bias=False),
            nn.BatchNorm2d(after),
            nn.ReLU(),
            nn.Conv2d(after, after, 3, padding=1, bias=False),
            nn.BatchNorm2d(after),
        )
        changed = before != after or stride != 1
        self.shortcut = nn.Conv2d(before, after, 1, stride, bias=False) if changed else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """Map `[B, before, H, W]` to `[B, after, H / stride, W / stride]`."""
        return functional.relu(self.body(x) + self.shortcut(x))


def resnet(widths: tuple[int, ...] = (8, 16), classes: int = CLASSES) -> nn.Module:
    """Return a residual network with a block for each width."""
    blocks = [Residual(before, after, 2) for before, after in pairwise(widths)]
    return nn.Sequential(
        nn.Conv2d(1, widths[0], 3, padding=1, bias=False),
        nn.BatchNorm2d(widths[0]),
        nn.ReLU(),
        Residual(widths[0], widths[0], 1),
        *blocks,
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(widths[-1], classes),
    )


class Attention(nn.Module):
    """Self-attention of several heads: Vaswani et al., "Attention is all you need" (2017)."""

    def __init__(self, width: int, heads: int, *, causal: bool, dropout: float) -> None:
        super().__init__()
        self.inward, self.outward = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.heads, self.drop = heads, nn.Dropout(dropout)
        mask = torch.ones(LENGTH, LENGTH, dtype=torch.bool).tril() if causal else None
        self.register_buffer("mask", mask, persistent=False)

    def forward(self, x: Tensor, attended: Tensor | None = None) -> Tensor:
        """Map `[B, T, width]` to the same shape; `attended[B, T]` says which places may be looked at."""
        q, k, v = self.inward(x).unflatten(2, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        scores = q @ k.transpose(2, 3) / math.sqrt(q.shape[-1])
        if self.mask is not None:
            scores = scores.masked_fill(~self.mask, -1e9)
        if attended is not None:
            scores = scores.masked_fill(~attended[:, None, None, :], -1e9)
        return self.outward((self.drop(scores.softmax(-1)) @ v).transpose(1, 2).flatten(2))


class Block(nn.Module):
    """Attention and a perceptron, each normalised first and added."""

    def __init__(self, width: int, *, causal: bool = False, dropout: float = 0.1) -> None:
        super().__init__()
        self.first, self.second = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention = Attention(width, 2, causal=causal, dropout=dropout)
        self.mlp = nn.Sequential(
            nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width), nn.Dropout(dropout)
        )

    def forward(self, x: Tensor, attended: Tensor | None = None) -> Tensor:
        """Map `[B, T, width]` to the same shape."""
        x = x + self.attention(self.first(x), attended)
        return x + self.mlp(self.second(x))


class Gpt(nn.Module):
    """A model of the next letter, its first and last matrix the same: Radford et al. (2019)."""

    def __init__(self, width: int = 16, blocks: int = 2) -> None:
        super().__init__()
        self.letters, self.places = nn.Embedding(WORDS, width), nn.Parameter(torch.zeros(LENGTH, width))
        self.blocks = nn.Sequential(*(Block(width, causal=True) for _ in range(blocks)))
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, WORDS, bias=False)
        self.head.weight = self.letters.weight

    def forward(self, x: Tensor) -> Tensor:
        """Map letters `[B, T]` to logits `[B, T, letters]`."""
        return self.head(self.norm(self.blocks(self.letters(x) + self.places)))


class Bert(nn.Module):
    """An encoder of sentences with inputs by name and outputs in a dict: Devlin et al. (2018)."""

    def __init__(self, width: int = 16, blocks: int = 2) -> None:
        super().__init__()
        self.words, self.places = nn.Embedding(WORDS, width, padding_idx=0), nn.Embedding(LENGTH, width)
        self.register_buffer("position_ids", torch.arange(LENGTH).unsqueeze(0), persistent=False)
        self.norm, self.drop = nn.LayerNorm(width), nn.Dropout(0.1)
        self.blocks = nn.ModuleList(Block(width) for _ in range(blocks))
        self.pooler, self.classifier = nn.Linear(width, width), nn.Linear(width, 2)

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> dict[str, Tensor]:
        """Map words `[B, T]`, True where there are any, to `logits` `[B, 2]`."""
        x = self.drop(self.norm(self.words(input_ids) + self.places(self.position_ids)))
        for block in self.blocks:
            x = block(x, attention_mask)
        return {"logits": self.classifier(self.pooler(x[:, 0]).tanh())}


class Vit(nn.Module):
    """A transformer on the patches of a picture: Dosovitskiy et al. (2020)."""

    def __init__(self, width: int = 16, blocks: int = 2) -> None:
        super().__init__()
        self.patches = nn.Conv2d(1, width, 4, 4)
        self.token = nn.Parameter(torch.zeros(1, 1, width))
        self.places = nn.Parameter(0.02 * torch.randn(1, (SIDE // 4) ** 2 + 1, width))
        self.blocks = nn.Sequential(*(Block(width) for _ in range(blocks)))
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        """Map `[B, 1, 12, 12]` to logits."""
        patches = self.patches(x).flatten(2).transpose(1, 2)
        tokens = torch.cat([self.token.expand(len(x), -1, -1), patches], 1) + self.places
        return self.head(self.norm(self.blocks(tokens))[:, 0])


class DropPath(nn.Module):
    """Leaves out whole examples of a branch: Huang et al., "Deep networks with stochastic depth" (2016)."""

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.keep = 1 - rate

    def forward(self, x: Tensor) -> Tensor:
        """Map `[B, ...]` to the same shape."""
        if not self.training:
            return x
        return x * x.new_empty(len(x), *[1] * (x.ndim - 1)).bernoulli_(self.keep).div_(self.keep)


class ConvNextBlock(nn.Module):
    """A depthwise convolution and a perceptron of channels, scaled: Liu et al., "A ConvNet for the 2020s" (2022)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.depthwise, self.norm = nn.Conv2d(width, width, 7, padding=3, groups=width), nn.LayerNorm(width)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))
        self.scale, self.path = nn.Parameter(0.1 * torch.ones(width)), DropPath(0.1)

    def forward(self, x: Tensor) -> Tensor:
        """Map `[B, width, H, W]` to the same shape."""
        change = self.scale * self.mlp(self.norm(self.depthwise(x).permute(0, 2, 3, 1)))
        return x + self.path(change.permute(0, 3, 1, 2))


def convnext(width: int = 12) -> nn.Module:
    """Return a ConvNeXt of two blocks on patches of 2x2 pixels."""
    return nn.Sequential(
        nn.Conv2d(1, width, 2, 2),
        ConvNextBlock(width),
        ConvNextBlock(width),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.LayerNorm(width),
        nn.Linear(width, CLASSES),
    )


class MbConv(nn.Module):
    """An inverted bottleneck with squeeze and excitation: Tan and Le, "EfficientNet" (2019)."""

    def __init__(self, width: int, wider: int) -> None:
        super().__init__()
        self.expand = nn.Sequential(nn.Conv2d(width, wider, 1, bias=False), nn.BatchNorm2d(wider), nn.SiLU())
        self.depthwise = nn.Sequential(
            nn.Conv2d(wider, wider, 3, padding=1, groups=wider, bias=False), nn.BatchNorm2d(wider), nn.SiLU()
        )
        self.squeeze = nn.Sequential(
            nn.AdaptiveAvgPool2d(1), nn.Conv2d(wider, 4, 1), nn.SiLU(), nn.Conv2d(4, wider, 1), nn.Sigmoid()
        )
        self.project = nn.Sequential(nn.Conv2d(wider, width, 1, bias=False), nn.BatchNorm2d(width))
        self.path = DropPath(0.1)

    def forward(self, x: Tensor) -> Tensor:
        """Map `[B, width, H, W]` to the same shape."""
        change = self.depthwise(self.expand(x))
        return x + self.path(self.project(change * self.squeeze(change)))


def efficientnet(width: int = 8) -> nn.Module:
    """Return an EfficientNet of two inverted bottlenecks."""
    return nn.Sequential(
        nn.Conv2d(1, width, 3, 2, 1, bias=False),
        nn.BatchNorm2d(width),
        nn.SiLU(),
        MbConv(width, 2 * width),
        MbConv(width, 2 * width),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Dropout(0.2),
        nn.Linear(width, CLASSES),
    )


class LetterLstm(nn.Module):
    """A recurrent model of the next letter: Hochreiter and Schmidhuber (1997)."""

    def __init__(self, width: int = 16) -> None:
        super().__init__()
        self.letters, self.head = nn.Embedding(WORDS, width), nn.Linear(width, WORDS)
        self.lstm = nn.LSTM(width, width, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        """Map letters `[B, T]` to logits `[B, T, letters]`."""
        return self.head(self.lstm(self.letters(x))[0])


def mlp() -> nn.Module:
    """Return a perceptron of two hidden layers for rows of eight numbers."""
    return nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 1), nn.Flatten(0))


def letter_loss(outputs: Tensor, y: Tensor) -> Tensor:
    """Return the mean cross-entropy of logits `[B, T, letters]`."""
    return functional.cross_entropy(outputs.flatten(0, 1), y.flatten())


def nats_per_letter(outputs: Tensor, y: Tensor) -> Tensor:
    """Return the mean cross-entropy of each example, `[B]`."""
    return functional.cross_entropy(outputs.transpose(1, 2), y, reduction="none").mean(1)


def r2(outputs: Tensor, y: Tensor) -> Tensor:
    """Return the share of the targets' variance that the outputs explain, over a whole set."""
    return 1 - (outputs - y).square().sum() / (y - y.mean()).square().sum()


def smoothed_loss(outputs: Tensor, y: Tensor) -> Tensor:
    """Return the cross-entropy against labels that leave a tenth to the other classes."""
    return functional.cross_entropy(outputs, y, label_smoothing=0.1)


def unchanged(x: Tensor) -> Tensor:
    """Return whole numbers as they are, where the default makes floats of them."""
    return x


def named_words(x: Tensor) -> dict[str, Tensor]:
    """Return the inputs of `Bert` by name."""
    return {"input_ids": x, "attention_mask": x > 0}


def logits_loss(outputs: dict[str, Tensor], y: Tensor) -> Tensor:
    """Return the cross-entropy of the logits among a model's outputs."""
    return functional.cross_entropy(outputs["logits"], y)


def logits_correct(outputs: dict[str, Tensor], y: Tensor) -> Tensor:
    """Return 1.0 where the largest of the logits among a model's outputs is the label."""
    return (outputs["logits"].argmax(-1) == y).float()


def layer_decay(name: str) -> tuple[float, float]:
    """Return the factors of a layer of `Vit`: a rate that falls by a quarter a block, and decay of matrices alone."""
    depth = int(name.split(".")[1]) + 1 if name.startswith("blocks.") else 3 * name.startswith(("norm", "head"))
    return 0.75 ** (3 - depth), 0.0 if name.endswith("bias") or "norm" in name else 1.0


def _pictures(name: str, model: Callable[[], nn.Module], **fields: object) -> Workload:
    return Workload(name, model, images, worst_value=1 / CLASSES, batch_size=BATCH, transform=pixels, **fields)


def _letters(name: str, model: Callable[[], nn.Module]) -> Workload:
    return Workload(
        name,
        model,
        text,
        worst_value=math.log(WORDS),
        batch_size=BATCH,
        transform=unchanged,
        loss=letter_loss,
        metric=nats_per_letter,
        metric_name="nats per letter",
        direction="minimize",
    )


_SGD = UpdateRule(uses_momentum=True, uses_decay=True)
_ADAMW = UpdateRule("adamw", uses_decay=True)
_CLIPPED = replace(_ADAMW, clip_norm=1.0, no_decay="vectors")
_HEAVY, _DECAYED = OptimizerSettings(momentum=0.9, weight_decay=5e-4), OptimizerSettings(weight_decay=0.05)

MODELS = {
    "MNIST net": PublishedModel(_pictures("MNIST net", mnist_net), 0.05, UpdateRule()),
    "ResNet": PublishedModel(_pictures("ResNet", resnet, augment=crop_and_flip), 0.05, _SGD, _HEAVY),
    "ResNet, smoothed": PublishedModel(
        _pictures("ResNet, smoothed", resnet, augment=crop_and_flip, loss=smoothed_loss), 0.05, _SGD, _HEAVY
    ),
    "ResNet, three stages": PublishedModel(
        _pictures("ResNet, three stages", partial(resnet, (8, 16, 32))), 0.05, replace(_SGD, nesterov=True), _HEAVY
    ),
    "GPT": PublishedModel(_letters("GPT", Gpt), 3e-3, _CLIPPED, _DECAYED),
    "LSTM": PublishedModel(_letters("LSTM", LetterLstm), 3e-3, replace(_ADAMW, clip_norm=1.0), _DECAYED),
    "ViT": PublishedModel(_pictures("ViT", Vit, parameter_group=layer_decay), 3e-3, _ADAMW, _DECAYED),
    "ConvNeXt": PublishedModel(_pictures("ConvNeXt", convnext), 3e-3, _ADAMW, _DECAYED),
    "EfficientNet": PublishedModel(_pictures("EfficientNet", efficientnet), 3e-3, _ADAMW, _DECAYED),
    "BERT": PublishedModel(
        Workload(
            "BERT",
            Bert,
            sentences,
            worst_value=0.5,
            batch_size=BATCH,
            transform=named_words,
            loss=logits_loss,
            metric=logits_correct,
        ),
        1e-3,
        _CLIPPED,
        _DECAYED,
    ),
    "MLP": PublishedModel(
        Workload(
            "MLP",
            mlp,
            table,
            worst_value=0.0,
            batch_size=BATCH,
            loss=functional.mse_loss,
            metric=r2,
            metric_over="set",
            metric_name="R2",
        ),
        3e-3,
        UpdateRule("adam"),
    ),
}
"""By the names of the table in studies/benchmarks/README.md."""
