"""What scheduler policies decide with: views of the cloud, rounds and their bookings, the standard tests.

Authors of policies import from :mod:`opennebula_core.contracts.scheduler`.
"""
