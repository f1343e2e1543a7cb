"""A small vision transformer of timm on digits, in a loop as timm's: layer decay, label smoothing, clipping."""

import torch
from sklearn.datasets import load_digits
from timm.loss import LabelSmoothingCrossEntropy
from timm.models.vision_transformer import VisionTransformer
from timm.optim import param_groups_layer_decay
from torch import nn
from torch.nn import functional

from lrsearch import Run

BATCH, LAYER_DECAY = 32, 0.7
EXAMPLES = {"train": 1280, "validation": 256, "test": 261}


def decayed_groups(model: nn.Module, rate: float) -> list[dict[str, object]]:
    """Return timm's groups with their rates, the head first, to which the others keep their ratio.

    timm keeps the multiple of each layer's rate in `lr_scale`, which its own schedulers alone read.
    """
    groups = param_groups_layer_decay(model, weight_decay=0.05, layer_decay=LAYER_DECAY)
    return [{**group, "lr": rate * group["lr_scale"]} for group in sorted(groups, key=lambda group: -group["lr_scale"])]


def train(run: Run) -> float:
    """Train and report after every epoch."""
    x, y = (torch.tensor(part) for part in load_digits(return_X_y=True))
    x = x.float().view(-1, 1, 8, 8) / 8 - 1
    shuffled = torch.randperm(sum(EXAMPLES.values()), generator=torch.Generator().manual_seed(run.seeds.split))
    part = dict(zip(EXAMPLES, shuffled.split(list(EXAMPLES.values())), strict=True))
    torch.manual_seed(run.seeds.init)
    model = VisionTransformer(8, 2, 1, 10, embed_dim=32, depth=3, num_heads=2, proj_drop_rate=0.1)
    optimizer = torch.optim.AdamW(decayed_groups(model, run.schedule.base_lr))
    scheduler = run.scheduler(optimizer)
    smoothed = LabelSmoothingCrossEntropy(0.1)
    for epoch in run.epochs(model=model, optimizer=optimizer, scheduler=scheduler):
        model.train()
        order = torch.randperm(len(part["train"]), generator=torch.Generator().manual_seed(run.seeds.order_of(epoch)))
        for batch in part["train"][order].split(BATCH):
            loss = smoothed(model(x[batch]), y[batch])
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            scheduler.step()  # in place of timm's step_update
        model.eval()
        held_out = part[run.evaluation_set]
        with torch.no_grad():
            run.report(functional.cross_entropy(model(x[held_out]), y[held_out]), train_loss=loss)
    return run.last_score
