"""Logins by certificate."""

from __future__ import annotations

from opennebula_auth_x509.driver import X509Auth

__all__ = ["X509Auth"]
