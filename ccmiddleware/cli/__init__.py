"""The command line: ``ccm``. One file per noun; every command is a thin layer over the rooms."""
