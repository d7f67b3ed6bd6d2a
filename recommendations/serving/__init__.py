"""How a question is answered in the web process: arrays of the catalogue, models, the pipeline."""
