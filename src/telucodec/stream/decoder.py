"""Packets in, samples out: each decoded on its own, lost ones made up from what was heard before."""

import numpy as np

from telucodec.audio.mdct import inverse_mdct
from telucodec.bitstream.rangecoder import from_fewest_bytes
from telucodec.errors import BitstreamError, ModelError
from telucodec.runtime.model import HOP, SAMPLE_RATE
from telucodec.runtime.quantise import Restored, noise_signs, restore, step_size
from telucodec.runtime.start import starts
from telucodec.runtime.synthesis import LOOK_AHEAD
from telucodec.runtime.transform import TransformCodec
from telucodec.stream.continuation import FADE, HISTORY, continued, shaped
from telucodec.stream.packet import StreamPacket, checked_frames


class Decoder:
    """Decodes one live sound of packets of `packet_frames`. Its output lags by one frame: the first HOP samples are the silence before it.

    With `synthesis` it holds an ONNX session, which can be neither copied nor pickled.
    """

    def __init__(self, codec: TransformCodec, packet_frames: int = 2, synthesis: bool = False):
        """`codec` is that of `load_live_codec`, the same at both ends.

        With `synthesis`, natural mode passes through the codec's learned one, and all lags by one frame more. Raises ModelError where it has none.
        """
        if synthesis and "live" not in codec.syntheses:
            raise ModelError("this model has no learned synthesis for live packets; leave --synthesis out, or take the shipped model")
        self.model, self._coder, self.packet_frames = codec.model, codec.coder, checked_frames(packet_frames)
        self._passage = codec.syntheses["live"].begin() if synthesis else None
        self._frame = 0
        self._tail, self._last = np.zeros(HOP, np.float32), np.zeros(HOP, np.float32)
        self._history = np.zeros(HISTORY, np.float32)  # of what was decoded, as it was before the synthesis
        self._repaired_tail = np.zeros(HOP, np.float32)

    @property
    def added_latency_ms(self) -> float:
        """What the synthesis adds to the latency that the encoder tells."""
        return 1000 * LOOK_AHEAD * HOP / SAMPLE_RATE if self._passage else 0.0

    def push(self, packet: bytes) -> np.ndarray:
        """Samples float32 [1, F HOP] of the next packet, beyond [-1, 1] where it says so: clip them where they are played.

        Raises BitstreamError for one that does not decode; go on with `lose` then.
        """
        return self._sound(*self._frames(StreamPacket.from_bytes(packet)))

    def recover(self, following: bytes) -> np.ndarray | None:
        """Samples of the lost packet before `following`, of its copy in there; None where there is none. Then push `following`."""
        try:
            copy = StreamPacket.from_bytes(following).copy
            return None if copy is None else self._sound(*self._frames(copy))
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
            pieces.append(self._sound(Restored.of(made_up[None]), 0))
        return np.concatenate(pieces, axis=-1)

    def _first_frame(self, packet: bytes) -> np.ndarray | None:
        """Coefficients [HOP] of the first frame of `packet`; None where it does not decode."""
        try:
            return self._frames(StreamPacket.from_bytes(packet))[0].coefficients[0]
        except BitstreamError:
            return None

    def _frames(self, packet: StreamPacket) -> tuple[Restored, int]:
        """Frames of `packet` and their power. Raises BitstreamError where it does not decode."""
        if packet.frames != self.packet_frames:
            raise BitstreamError(f"live packet: holds {packet.frames} frames where {self.packet_frames} were agreed on; drop it")
        payload = from_fewest_bytes(packet.payload)
        (decoded,) = self._coder.decode([payload], [packet.frames], [packet.cut], packet.power, starts()[packet.start])
        if isinstance(decoded, BitstreamError):
            raise BitstreamError(f"live packet: {decoded}; drop it")
        signs = noise_signs(self._frame, packet.frames)
        return restore(decoded, step_size(packet.step_index), packet.power, self.model, signs), packet.power

    def _sound(self, frames: Restored, power: int) -> np.ndarray:
        """Samples of `frames`; those without an envelope pass the synthesis by."""
        coefficients = frames.coefficients
        wave, self._tail = inverse_mdct(coefficients, self._tail)
        self._last = coefficients[-1]
        self._history = np.concatenate([self._history, wave])[-HISTORY:]
        self._frame += len(coefficients)
        if self._passage:
            repaired = self._passage.push(frames if power else Restored.of(coefficients), power)
            wave, self._repaired_tail = inverse_mdct(repaired, self._repaired_tail)
        return wave[None]
