"""A character-level GPT on the help texts of Python itself, with decay for matrices alone and clipped gradients."""

from pydoc_data.topics import topics

import torch
from torch import Tensor, nn
from torch.nn import functional

STEPS, EVERY, BATCH, CONTEXT, WIDTH, HEADS, LAYERS = 200, 20, 16, 32, 48, 4, 2
EVALUATED = 200  # windows

TEXT = "".join(topics[name] for name in sorted(topics))
CHARACTERS = sorted(set(TEXT))
TOKENS = torch.tensor([CHARACTERS.index(character) for character in TEXT])
NINE_TENTHS, REST = len(TOKENS) * 9 // 10, len(TOKENS) // 20
TRAIN, *HELD_OUT = TOKENS.split([NINE_TENTHS, REST, len(TOKENS) - NINE_TENTHS - REST])
DATA = {"train": TRAIN, "validation": HELD_OUT[0], "test": HELD_OUT[1]}


class Block(nn.Module):
    """Attention over what came before, and a small network."""

    def __init__(self) -> None:
        super().__init__()
        self.norms = nn.ModuleList(nn.LayerNorm(WIDTH) for _ in range(2))
        self.attend, self.mix = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)
        self.network = nn.Sequential(nn.Linear(WIDTH, 4 * WIDTH), nn.GELU(), nn.Linear(4 * WIDTH, WIDTH))

    def forward(self, x: Tensor) -> Tensor:
        """Return [batch, context, width], as `x` is."""
        parts = self.attend(self.norms[0](x)).view(*x.shape[:2], 3 * HEADS, WIDTH // HEADS).transpose(1, 2)
        attended = functional.scaled_dot_product_attention(*parts.chunk(3, dim=1), is_causal=True)
        x = x + self.mix(attended.transpose(1, 2).reshape(x.shape))
        return x + self.network(self.norms[1](x))


class GPT(nn.Module):
    """Predicts each next character."""

    def __init__(self) -> None:
        super().__init__()
        self.token, self.position = nn.Embedding(len(CHARACTERS), WIDTH), nn.Embedding(CONTEXT, WIDTH)
        self.blocks = nn.Sequential(*(Block() for _ in range(LAYERS)), nn.LayerNorm(WIDTH))
        self.head = nn.Linear(WIDTH, len(CHARACTERS))

    def loss(self, windows: Tensor) -> Tensor:
        """Return the mean loss of windows [batch, context + 1], in nats a character."""
        x = self.token(windows[:, :-1]) + self.position.weight
        return functional.cross_entropy(self.head(self.blocks(x)).flatten(0, 1), windows[:, 1:].flatten())


def decay_groups(model: nn.Module, weight_decay: float) -> list[dict[str, object]]:
    """Return matrices with weight decay, and norms and biases without."""
    matrices = [parameter for parameter in model.parameters() if parameter.ndim > 1]
    vectors = [parameter for parameter in model.parameters() if parameter.ndim < 2]
    return [{"params": matrices, "weight_decay": weight_decay}, {"params": vectors, "weight_decay": 0.0}]


def random_windows(generator: torch.Generator) -> Tensor:
    """Return a batch of windows of the training text."""
    starts = torch.randint(len(TRAIN) - CONTEXT, (BATCH, 1), generator=generator)
    return TRAIN[starts + torch.arange(CONTEXT + 1)]


@torch.no_grad()
def evaluate(model: GPT, tokens: Tensor) -> float:
    """Return the loss on windows that lie evenly over a text."""
    starts = torch.linspace(0, len(tokens) - CONTEXT - 1, EVALUATED).long()[:, None]
    return model.loss(tokens[starts + torch.arange(CONTEXT + 1)]).item()


def train() -> None:
    """Train a model, and tell its test loss."""
    torch.manual_seed(1337)
    model = GPT()
    optimizer = torch.optim.AdamW(decay_groups(model, 0.1), lr=3e-3, betas=(0.9, 0.99))
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, STEPS)
    generator = torch.Generator().manual_seed(1337)
    for step in range(STEPS):
        loss = model.loss(random_windows(generator))
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        scheduler.step()
        if (step + 1) % EVERY == 0:
            print(f"{step + 1}: validation loss {evaluate(model, DATA['validation']):.4f}")
    print(f"test loss {evaluate(model, DATA['test']):.4f}")


if __name__ == "__main__":
    train()
