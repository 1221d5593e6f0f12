"""Signs that a codec does not work, with their causes: from waves, from logged numbers, from codebooks and from the course of training.

They lie among the metrics and need no PyTorch, so that a training loop and `telucodec snr-doctor` see the same.
"""
