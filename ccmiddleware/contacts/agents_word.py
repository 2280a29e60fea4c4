"""An agent's word, by mail, that an address or number is the customer's who wrote to him.

The book of contacts decides whether that can be. It is looked into and locked first, and written
when all else that the agent wants can be done, in the transaction of that.
"""

from collections.abc import Awaitable, Callable, Sequence

from ccmiddleware.contacts.addresses import InvalidContact, address, email
from ccmiddleware.contacts.book import Edit, number_rule, written
from ccmiddleware.contacts.changes import LONGEST_NAME, Contact
from ccmiddleware.plaintext import plain
from ccmiddleware.store.database import Session


async def linking(
    session: Session, customer: str, name: str, texts: Sequence[str], by: str
) -> Callable[[], Awaitable[str]]:
    """What writes that ``texts`` are ``customer``'s (an e-mail address), and says what it wrote.

    A contact is made, by that name, where nobody has any of them. Raises InvalidContact where one
    is no address or number, or they are different contacts'; then nothing is to be written.
    """
    await session.execute("lock_contacts")
    edit = Edit(session, await number_rule(session))
    first = email(customer)
    wanted = [first, *(address(text, edit.rule) for text in texts)]
    await edit.know(addresses=wanted)
    owners = {edit.book.owners[one].id: one for one in wanted if one in edit.book.owners}
    if len(owners) > 1:
        raise InvalidContact(
            f"{' and '.join(str(one) for one in owners.values())} are known as different "
            "customers; `ccm contact merge` makes them one"
        )
    if owners:
        (contact,) = owners
    else:
        (contact,) = await edit.new_ids(1)
        shown = plain(name, LONGEST_NAME).strip()
        edit.book.make(Contact(contact, shown if shown.isprintable() and shown else first.text))
    edit.book.link(contact, wanted)
    said = f"{', '.join(str(one) for one in wanted)}: known as one customer now."

    async def write() -> str:
        await written(session, edit.book, by, "agent")
        return said

    return write
