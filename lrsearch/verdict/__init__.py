"""From a stored study to what may be said of it.

Owns the comparison of a confirmation, its claims, budgets, good regions and the pruning audit; what several studies say
together; and tables of scores from elsewhere, also while they grow. May import storage and comparison. Begin with
study_verdict.py, then over_studies.py, scores_csv.py and sequential.py.
"""
