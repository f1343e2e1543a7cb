"""One Gaussian process over features of the learning-rate curve, shared by all families of a search.

Owns the features of a curve, the model, and the choice of the next trial. May import the search's family samplers,
experiment.space and SciPy. Begin with curve_search.py.
"""
