"""What taking email in costs, beside plain aioimaplib: ``mail_rates`` is the program.

    python bench/email.py [--messages N] [--rounds N] [--waiting N] [--json]

Python looks for modules in the directory of its program first, so that for every program in this
one ``import email`` finds this file. It gives them the package of the standard library.
"""

import os
import sys

if __name__ == "__main__":
    from mail_rates import main

    sys.exit(main())

if __name__ == "email":
    _path = sys.path
    sys.path = [one for one in _path if os.path.abspath(one) != os.path.dirname(__file__)]
    del sys.modules["email"]
    import email  # noqa: F401 - whoever imported this one gets that one

    sys.path = _path
