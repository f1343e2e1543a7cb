"""Figures, tables and pages.

Owns everything that draws, and the dashboard; plotly's only door. May import verdict and everything below it, and
search for importances. Begin with assemble.py.
"""
