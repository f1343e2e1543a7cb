"""Many trials trained side by side as the lanes of one stack.

Owns models as flat parameters, optimizers as row operations, and devices; lenet/ holds all that exists for the one
LeNet, and modules/ trains any other. May import config, workloads and schedules; torch, not Optuna. Begin with
stack.py.
"""
