"""The phases of transfers; they name the script files. Source: OpenNebula 6.10 transfer files."""

from __future__ import annotations


class Phase:
    """Words of phases."""

    PROLOG = "prolog"
    RESUME = "resume"
    MIGRATE = "migrate"
    UNDO_MIGRATE = "undo_migrate"
    STOP = "stop"
    EPILOG = "epilog"
    EPILOG_FRONT_END = "epilog_front_end"
    DELETE = "delete"
    ATTACH = "attach"
    UNDO_ATTACH = "undo_attach"
    DETACH = "detach"
    RESIZE = "resize"
    SAVE_AS = "saveas"
    SNAP_CREATE = "snap_create"
    SNAP_REVERT = "snap_revert"
    SNAP_DELETE = "snap_delete"
