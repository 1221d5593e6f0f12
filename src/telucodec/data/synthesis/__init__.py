"""The shelf of synthesisers; a new one is a file with a `Voice` and its line here."""

from telucodec.data.synthesis.espeak import Espeak

SYNTHESISERS = {"espeak": Espeak}
