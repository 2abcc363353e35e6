"""Moves disk images between front-end and hosts over ssh."""

from opennebula_tm_ssh.driver import SshTransferDriver

__all__ = ["SshTransferDriver"]
