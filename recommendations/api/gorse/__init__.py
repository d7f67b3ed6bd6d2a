"""Gorse's REST below /gorse/, so that programs written for Gorse can ask us instead."""
