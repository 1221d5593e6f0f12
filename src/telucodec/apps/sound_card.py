"""The microphone and speaker of this machine, through sounddevice (PortAudio), an optional package."""

from types import ModuleType

from telucodec.errors import TelucodecError


def sound_card() -> ModuleType:
    """The package sounddevice. Raises TelucodecError where it or PortAudio is missing."""
    try:
        import sounddevice
    except ImportError as error:
        raise TelucodecError("microphone and speaker need sounddevice: pip install 'telucodec[record]'") from error
    except OSError as error:
        raise TelucodecError(
            "PortAudio is missing: apt-get install libportaudio2 (macOS: brew install portaudio); `record` also works with --web"
        ) from error
    return sounddevice
