"""The shelf of peers, in the order tables print them. A new one is a file with a `PEER` and its line here."""

from telucodec.evaluation.baselines import amr_wb, codec2, lc3, lyra, mp3, opus, opus_nolace

SHELF = (opus.PEER, opus.AUDIO_PEER, opus_nolace.PEER, amr_wb.PEER, codec2.PEER, lyra.PEER, lc3.PEER, mp3.PEER)
PEERS = {peer.name: peer for peer in SHELF}
