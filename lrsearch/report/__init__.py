"""Figures and pages. Plotly lives here."""
