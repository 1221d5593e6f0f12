"""Packets in, samples out: each decoded on its own, lost ones made up from what was heard before."""

import numpy as np

from telucodec.audio.mdct import inverse_mdct
from telucodec.bitstream.rangecoder import from_fewest_bytes
from telucodec.errors import BitstreamError
from telucodec.runtime.model import HOP
from telucodec.runtime.quantise import noise_signs, restore, step_size
from telucodec.runtime.start import starts
from telucodec.runtime.transform import TransformCodec
from telucodec.stream.continuation import FADE, HISTORY, continued, shaped
from telucodec.stream.packet import StreamPacket


class Decoder:
    """Decodes one live sound of packets of `packet_frames`. Its output lags by one frame: the first HOP samples are the silence before it."""

    def __init__(self, codec: TransformCodec, packet_frames: int = 2):
        self._model, self._coder, self.packet_frames = codec.model, codec.coder, packet_frames
        self._frame = 0
        self._tail, self._last = np.zeros(HOP, np.float32), np.zeros(HOP, np.float32)
        self._history = np.zeros(HISTORY, np.float32)

    def push(self, packet: bytes) -> np.ndarray:
        """Samples float32 [1, F HOP] of the next packet. Raises BitstreamError for one that does not decode; go on with `lose` then."""
        return self._sound(self._coefficients(StreamPacket.from_bytes(packet)))

    def recover(self, following: bytes) -> np.ndarray | None:
        """Samples of the lost packet before `following`, of its copy in there; None where there is none. Then push `following`."""
        try:
            copy = StreamPacket.from_bytes(following).copy
            return None if copy is None else self._sound(self._coefficients(copy))
        except BitstreamError:
            return None

    def lose(self, following: bytes | None = None) -> np.ndarray:
        """Samples in the place of a lost packet: what was heard goes on, towards the packet `following` where that has come, else fading."""
        before, after = self._last, None if following is None else self._first_frame(following)
        pieces = []
        for number in range(self.packet_frames):
            made_up = continued(self._history, self._last, noise_signs(self._frame, 1)[0])
            if after is None:
                made_up *= np.float32(FADE)
            else:
                made_up = shaped(made_up, before, after, (number + 1) / (self.packet_frames + 1))
            pieces.append(self._sound(made_up[None]))
        return np.concatenate(pieces, axis=-1)

    def _first_frame(self, packet: bytes) -> np.ndarray | None:
        """Coefficients [HOP] of the first frame of `packet`; None where it does not decode."""
        try:
            return self._coefficients(StreamPacket.from_bytes(packet))[0]
        except BitstreamError:
            return None

    def _coefficients(self, packet: StreamPacket) -> np.ndarray:
        """Coefficients [F, HOP] of `packet`. Raises BitstreamError where it does not decode."""
        if packet.frames != self.packet_frames:
            raise BitstreamError(f"live packet: holds {packet.frames} frames where {self.packet_frames} were agreed on; drop it")
        payload = from_fewest_bytes(packet.payload)
        (decoded,) = self._coder.decode([payload], [packet.frames], [packet.cut], packet.power, starts()[packet.start])
        if isinstance(decoded, BitstreamError):
            raise BitstreamError(f"live packet: {decoded}; drop it")
        signs = noise_signs(self._frame, packet.frames)
        return restore(decoded, step_size(packet.step_index), packet.power, self._model, signs).coefficients

    def _sound(self, coefficients: np.ndarray) -> np.ndarray:
        wave, self._tail = inverse_mdct(coefficients, self._tail)
        self._last = coefficients[-1]
        self._history = np.concatenate([self._history, wave])[-HISTORY:]
        self._frame += len(coefficients)
        return wave[None]
