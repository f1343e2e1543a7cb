"""Any nn.Module as lanes: one at a time by plain autograd, or several side by side under `torch.func.vmap`.

Owns the two ways to train such a module. May import what training may. Begin with layout.py, which says where a
module's tensors lie in the row of a lane, then read plain.py and stacked.py. `choice.py` of training says which of the
two trains a study.
"""
