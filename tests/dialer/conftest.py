"""The dialer under test, for whoever asks for a ``desk``."""

from dialing_desk import desk as desk
