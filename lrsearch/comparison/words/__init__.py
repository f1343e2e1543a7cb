"""What a comparison says in words: the answer in four lines, and the statistics in sentences.

Owns every word of a verdict. May import all of comparison but what makes a comparison. Begin with answer.py.
"""
