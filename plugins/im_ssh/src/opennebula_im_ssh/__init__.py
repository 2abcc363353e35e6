"""Monitors hosts and their guests over ssh."""

from __future__ import annotations

from opennebula_im_ssh.driver import KvmMonitorDriver

__all__ = ["KvmMonitorDriver"]
