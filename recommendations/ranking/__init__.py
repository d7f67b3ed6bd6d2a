"""Candidate sources, blending, re-ranking and their measures over plain arrays.

Nothing here knows Django. Only `sequence.model` and `sequence.training` need torch, and only
`ranker_training` needs scikit-learn: the web process imports neither.
"""
