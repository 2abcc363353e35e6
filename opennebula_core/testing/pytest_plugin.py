"""What pytest loads by itself wherever the kernel is installed: the names of the kit's fixture modules.

It is imported at the start of every test run, so the modules named here must import fast.
"""

from __future__ import annotations

pytest_plugins = ["opennebula_core.testing.cloud_fixture", "opennebula_core.testing.lab_fixtures"]
