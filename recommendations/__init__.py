"""What to show to whom: catalogue, behaviour, scenarios and the answers to "what next"."""
