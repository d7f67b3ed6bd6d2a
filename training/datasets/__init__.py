"""From a file to rows that a model can learn from: reading, mapping, cleaning, splitting.

Free of Django: problems carry a code and parameters, which the apps above put into words.
"""
