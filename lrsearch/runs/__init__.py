"""Training that is not lrsearch's own: what a training function is given, and the processes in which it runs.

Owns `Run`, the processes and what is said between them and the search. May import training and config, and what is
below them; torch only where a run asks for it, so that a process that needs none starts at once. Begin with run.py
(what a training function sees), then run_stack.py (what the search sees).
"""
