"""The C++ of training, compiled for this machine's processor."""
