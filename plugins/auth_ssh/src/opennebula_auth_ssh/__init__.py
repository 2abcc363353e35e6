"""Logins by ssh key."""

from __future__ import annotations

from opennebula_auth_ssh.driver import SshAuth

__all__ = ["SshAuth"]
