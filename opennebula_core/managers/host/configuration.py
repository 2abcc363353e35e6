"""What an information driver is told: where to send its messages, and how often."""

from __future__ import annotations

from opennebula_core.config.settings import MonitoringSettings


def monitor_configuration(settings: MonitoringSettings, port: int) -> str:
    """Return the MONITOR_CONFIGURATION document. Source: its shape in OpenNebula 6.10's START_MONITOR.

    Every list of guests shall be complete: a guest counts as gone when two in a row lack it.

    :param port: where the core listens
    """
    return (
        f"<MONITOR_CONFIGURATION><NETWORK><ADDRESS>{settings.listen}</ADDRESS>"
        f"<MONITOR_ADDRESS>{settings.listen}</MONITOR_ADDRESS><PORT>{port}</PORT></NETWORK>"
        f"<PROBES_PERIOD><BEACON_HOST>{settings.beacon_period_s}</BEACON_HOST>"
        f"<SYSTEM_HOST>{settings.system_period_s}</SYSTEM_HOST>"
        f"<MONITOR_HOST>{settings.host_period_s}</MONITOR_HOST>"
        f"<STATE_VM>{settings.vm_state_period_s}</STATE_VM>"
        f"<MONITOR_VM>{settings.vm_period_s}</MONITOR_VM>"
        f"<SYNC_STATE_VM>{settings.vm_state_period_s}</SYNC_STATE_VM>"
        f"</PROBES_PERIOD></MONITOR_CONFIGURATION>"
    )
