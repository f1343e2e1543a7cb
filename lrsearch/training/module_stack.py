"""Any nn.Module as a stack of lanes: the general path, and the oracle of the fast ones."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.func import functional_call, grad_and_value, vmap

from lrsearch.errors import InputError
from lrsearch.workloads import Workload


class ModuleStack:
    """A workload's module under `torch.func`, its parameters and buffers flat in one row per lane.

    A module with buffers or frozen parameters, with layers that draw random numbers, or that `vmap` cannot follow is
    not stackable: it runs one lane at a time, and what is not trained travels in the columns behind the parameters.

    Args:
        workload: its model, transform and loss are used.
        x, y: a few examples, `[B, *item]` and `[B]`, on which it is tried out whether the module can be stacked.
        device: where the module runs.
        dtype: of the parameters and of floating inputs.
    """

    def __init__(
        self, workload: Workload, x: Tensor, y: Tensor, *, device: str = "cpu", dtype: torch.dtype = torch.float32
    ) -> None:
        self._workload = workload
        self._device = torch.device(device)
        self._dtype = dtype
        self._module = self._build(seed=0)
        parameters = dict(self._module.named_parameters())
        trained = {name: p for name, p in parameters.items() if p.requires_grad}
        kept = {name: p for name, p in parameters.items() if not p.requires_grad}
        tensors: dict[str, Tensor] = {**trained, **kept, **dict(self._module.named_buffers())}
        self._layout = {name: (t.shape, t.dtype, t.numel()) for name, t in tensors.items()}
        if not trained:
            raise InputError(f"the model of {workload.name} has no parameter to train: there is nothing to search")
        self._trained = len(trained)
        self.size = sum(t.numel() for t in tensors.values())
        self.trainable = sum(t.numel() for t in trained.values())
        self.unstackable_reason = self._find_unstackable_reason([*kept, *dict(self._module.named_buffers())], x, y)
        self.stackable = not self.unstackable_reason

    def init(self, seed: int) -> Tensor:
        """Return the flat state `[size]` of the module built under `seed`."""
        self._module = self._build(seed)
        tensors = {**dict(self._module.named_parameters()), **dict(self._module.named_buffers())}
        return torch.cat([tensors[name].detach().to("cpu", self._dtype).reshape(-1) for name in self._layout])

    def loss_and_grad(self, params: Tensor, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Return losses `[N]` and gradients `[N, trainable]`, in training mode; see StackedModel."""
        self._module.train()
        if self.stackable:
            return self._stacked(params, x, y)
        kept = params[0, self.trainable :].clone()
        gradient, (loss, after) = grad_and_value(self._loss, has_aux=True)(
            params[0, : self.trainable], kept, x[0], y[0]
        )
        params[0, self.trainable :] = after
        return loss.unsqueeze(0), gradient.unsqueeze(0)

    def predict(self, params: Tensor, x: Tensor) -> Tensor:
        """Return outputs `[N, B, ...]` of items `[1, B, *item]`, in evaluation mode."""
        self._module.eval()
        with torch.no_grad():
            if not self.stackable:
                return self._outputs(params[0, : self.trainable], params[0, self.trainable :], x[0])[0].unsqueeze(0)
            outputs: Tensor = vmap(lambda row: self._outputs(row, row[:0], x[0])[0])(params)
            return outputs

    def _stacked(self, params: Tensor, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        empty = params.new_empty(0)
        gradient_and_loss = grad_and_value(self._loss, has_aux=True)
        if len(x) == 1:
            gradient, (loss, _) = vmap(gradient_and_loss, in_dims=(0, None, None, None))(params, empty, x[0], y[0])
        else:
            gradient, (loss, _) = vmap(gradient_and_loss, in_dims=(0, None, 0, 0))(params, empty, x, y)
        return loss, gradient

    def _loss(self, trained: Tensor, kept: Tensor, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        outputs, after = self._outputs(trained, kept, x)
        return self._workload.loss(outputs, y), after

    def _outputs(self, trained: Tensor, kept: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return the module's outputs `[B, ...]`, and what is not trained as it is afterwards."""
        layout = list(self._layout.items())
        state = _unflatten(trained, layout[: self._trained])
        others = _unflatten(kept, layout[self._trained :])
        inputs = self._workload.transform(x)
        if inputs.is_floating_point():
            inputs = inputs.to(self._dtype)
        outputs: Tensor = functional_call(self._module, {**state, **others}, (inputs,))
        after = [tensor.detach().to(kept.dtype).reshape(-1) for tensor in others.values()]
        return outputs, torch.cat([kept.new_empty(0), *after])

    def _build(self, seed: int) -> nn.Module:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return self._workload.model().to(self._device, self._dtype)

    def _find_unstackable_reason(self, not_trained: list[str], x: Tensor, y: Tensor) -> str:
        """Return what keeps lanes from training side by side, empty if nothing does."""
        if not_trained:
            more = f" and {len(not_trained) - 1} more" if len(not_trained) > 1 else ""
            return f"it holds what is not trained: {not_trained[0]}{more}"
        rows, x, y = self.init(0).to(self._device).expand(2, -1), x.to(self._device), y.to(self._device)
        self.stackable = True
        try:
            self._module.train()
            # Lanes with batches of their own: then the data are vectorised too, and a module may choose by them.
            self._stacked(rows, torch.stack([x, x]), torch.stack([y, y]))
            vmap(lambda outputs: self._workload.metric(outputs, y))(self.predict(rows, x.unsqueeze(0)))
        except RuntimeError as error:
            # vmap says so for random layers, for control flow on values, and for operations that it does not know.
            return str(error).strip().partition(". ")[0].partition("\n")[0]
        return ""


def _unflatten(flat: Tensor, layout: list[tuple[str, tuple[torch.Size, torch.dtype, int]]]) -> dict[str, Tensor]:
    """Return the named tensors that lie one behind the other in `flat`."""
    pieces = flat.split([numel for _, (_, _, numel) in layout])
    return {name: piece.view(shape).to(dtype) for (name, (shape, dtype, _)), piece in zip(layout, pieces, strict=True)}
