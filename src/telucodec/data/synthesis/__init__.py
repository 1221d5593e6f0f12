"""The shelf of synthesisers, by the name that `telucodec tts --synthesiser` knows. A new one is a file with a `Voice` and its line here."""

from telucodec.data.synthesis.espeak import Espeak

SYNTHESISERS = {"espeak": Espeak}
