"""A search's winners and fixed schedules trained again on fresh, paired seeds.

Owns the candidates, the blocks of seeds on which they are trained, the controls and the audit of pruned trials. May
import trials and everything below it. Begin with confirm.py, which is the flow: job, candidates, blocks, controls,
train; audit stands beside it.
"""
