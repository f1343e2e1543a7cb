"""What a comparison says in words: the answer in four lines, and the statistics in sentences.

May import all of comparison but what makes a comparison. Begin with answer.py.
"""
