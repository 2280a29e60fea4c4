"""Whom the mail servers' certificates are believed from."""

import ssl

from ccmiddleware.errors import ConfigError


def tls_context(ca_file: str | None = None, *, verify: bool = True) -> ssl.SSLContext:
    """A context that checks certificate and name. Raises ConfigError for a CA file of no use.

    ``ca_file`` None believes what the system believes; ``verify`` False believes anybody.
    """
    try:
        context = ssl.create_default_context(cafile=ca_file)
    except OSError as error:
        raise ConfigError([f"CA file {ca_file}: {error}"]) from None
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
