"""A hypervisor of paper: a guest is a sheet in its host's folder."""

from pathlib import Path

from opennebula_core.contracts.driver import Option
from opennebula_core.contracts.im import GuestReport, HostReport, ImDriver, MonitoredHost
from opennebula_core.contracts.vmm import Guest, GuestState, VmmDriver


class PaperDriver(VmmDriver):
    """Starts a guest by writing its description on a sheet."""

    options = (Option("folder", str, "/tmp/paper", "where the hosts' folders are"),)

    def deploy(self, guest: Guest, description: str) -> str:
        sheet = self._sheet(guest)
        sheet.parent.mkdir(parents=True, exist_ok=True)
        sheet.write_text(description)
        return sheet.name

    def cancel(self, guest: Guest) -> None:
        self._sheet(guest).unlink(missing_ok=True)

    def shutdown(self, guest: Guest) -> None:
        self.cancel(guest)

    def poll(self, guest: Guest) -> GuestState:
        return GuestState.RUNNING if self._sheet(guest).exists() else GuestState.POWEROFF

    def _sheet(self, guest: Guest) -> Path:
        return Path(str(self.setting("folder")), guest.host, f"one-{guest.vm_id}")


class PaperMonitor(ImDriver):
    """Reports the sheets that lie in a host's folder."""

    options = PaperDriver.options

    def probe(self, host: MonitoredHost) -> HostReport:
        sheets = Path(str(self.setting("folder")), host.name).glob("one-*")
        guests = [GuestReport(int(sheet.name[4:]), sheet.name, GuestState.RUNNING) for sheet in sheets]
        return HostReport(400, 0, 8 << 20, 0, guests=tuple(guests))
