"""One trial's life in a storage that other processes share.

Owns asking, recording, heartbeats, checkpoints and the queueing of what a dead process left. May import experiment and
everything below it. Begin with trial_log.py, then history.py.
"""
