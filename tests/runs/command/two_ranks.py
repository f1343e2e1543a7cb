"""A script for torchrun: two ranks, shuffled data, dropout with random numbers of each rank's own."""

import sys
import time

import torch
import torch.distributed as dist
from torch import nn

import lrsearch

run = lrsearch.current_run()
dist.init_process_group("gloo")
rank, ranks = dist.get_rank(), dist.get_world_size()
torch.manual_seed(run.seeds.init)
data = torch.randn(40, 3)
model = nn.Sequential(nn.Linear(3, 8), nn.Dropout(0.5), nn.Linear(8, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=run.schedule.base_lr)
scheduler = run.scheduler(optimizer)
torch.manual_seed(run.seeds.init + rank)
for _ in run.epochs(model=model, optimizer=optimizer, scheduler=scheduler):
    for batch in torch.randperm(40)[rank::ranks].split(2):
        loss = (model(data[batch]).squeeze(1) - data[batch].sum(1)).square().mean()
        optimizer.zero_grad()
        loss.backward()
        for parameter in model.parameters():
            dist.all_reduce(parameter.grad)
        optimizer.step()
        scheduler.step()
    run.report(loss)
    if "--slow" in sys.argv:
        time.sleep(0.3)
dist.destroy_process_group()
