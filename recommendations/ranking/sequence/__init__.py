"""The sequence model: what comes next, read from what a person did before (SASRec family).

`forward` runs in the web process with numpy alone; `model` and `training` need torch.
"""
