"""A search's winners and fixed schedules trained again on fresh, paired seeds.

Owns blocks, candidates, controls and the audit of pruned trials. May import trials, verdict and everything below them.
Begin with confirm.py.
"""
