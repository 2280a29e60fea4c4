"""``python -m ccmiddleware`` is the same as ``ccm``."""

from ccmiddleware.cli.main import main

if __name__ == "__main__":
    main()
