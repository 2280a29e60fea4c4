"""Sends one action that a command asks for; what comes of it is told in the words of commands."""

from ccmiddleware.commands import Answer, Ask
from ccmiddleware.errors import TemporaryError
from ccmiddleware.pbx.link import ActionRefused, AmiLink, UnsafeValue
from ccmiddleware.plaintext import plain

DENIED = "Permission denied"
"""Asterisk's refusal where the manager user lacks the class of an action."""


async def ask_asterisk(link: AmiLink, ask: Ask, *, needs: str) -> Answer:
    """What came of it. ``needs`` says what the manager user lacks when Asterisk denies the action.

    An action that was sent and never answered is ``unknown``: it may have been carried out.
    """
    if not link.state.up:
        return Answer(ask.subject, "refused", "not sent: no link to Asterisk")
    try:
        response = await link.send(ask.action, ask.fields)
    except ActionRefused as error:
        return _refusal(ask, error, needs)
    except UnsafeValue as error:
        return Answer(ask.subject, "refused", f"not sent: {error}")
    except TemporaryError as error:
        return Answer(ask.subject, "unknown", f"sent, and no answer came: {error}")
    return Answer(ask.subject, "done", plain(response.message))


def _refusal(ask: Ask, error: ActionRefused, needs: str) -> Answer:
    message = plain(error.message)
    if ask.already and message == ask.already:
        return Answer(ask.subject, "done", f"it was so already ({message})")
    if message == DENIED:
        message += f": {needs}"
    return Answer(ask.subject, "refused", message)
