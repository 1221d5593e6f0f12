"""The microphone and speaker of this machine, through sounddevice (PortAudio), an optional package."""

from types import ModuleType

from telucodec.errors import TelucodecError


def sound_card(instead: str) -> ModuleType:
    """The package sounddevice. Raises TelucodecError, which tells what to do `instead`, where it or PortAudio is missing."""
    try:
        import sounddevice
    except ImportError as error:
        raise TelucodecError(f"microphone and speaker need sounddevice: pip install 'telucodec[record]'; or {instead}") from error
    except OSError as error:
        raise TelucodecError(
            f"PortAudio is missing: apt-get install libportaudio2 (macOS: brew install portaudio); or {instead}"
        ) from error
    return sounddevice
