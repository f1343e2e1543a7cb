"""Runs inside the training loops of other libraries: transformers, Lightning, accelerate and skorch.

Owns what hands a `lrsearch.Run` to such a loop: its scheduler in place of the loop's own, its reports, and the
checkpoint from which the loop goes on. May import runs and errors; a module here imports the library of its name, which
nothing else in lrsearch needs. Begin with skorch.py, the shortest; transformers.py and lightning.py let the library
write its own checkpoints (last_checkpoint.py).
"""
