"""Running commands and copying files on hosts; the one place of quoting. Plugins may import it."""

from opennebula_core.remote.machine import Completed, Process
from opennebula_core.remote.options import REMOTE_OPTIONS, RemoteOptions
from opennebula_core.remote.progress import Meter
from opennebula_core.remote.remote import Remote

__all__ = ["REMOTE_OPTIONS", "Completed", "Meter", "Process", "Remote", "RemoteOptions"]
