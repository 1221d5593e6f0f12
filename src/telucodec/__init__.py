"""telucodec: from recordings in your own language to a speech codec you can ship, with proof of how good it is."""

__version__ = "0.1.0"
