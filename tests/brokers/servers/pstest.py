"""Google's pstest, also where the emulator is installed."""
from .pubsub import PsTest as Server

__all__ = ["Server"]
