"""The LeNet trained faster than by `nn.Sequential`, with the same numbers.

Owns its step, written out by hand, and the convolutions for processors and GPUs. May import training, workloads and
torch. Begin with lenet_stack.py.
"""
