"""A module for each group of figures: data, figure and table as functions of values, and the sections made of them.

Owns every figure. May import what `report` may. Begin with scores.py, one of the shortest.
"""
