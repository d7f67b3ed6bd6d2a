"""What a workspace teaches its models: versions now, data and runs above them later."""
