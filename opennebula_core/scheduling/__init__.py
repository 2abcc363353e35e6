"""The scheduler: a process that knows the cloud over XML-RPC alone, and what policies are built from.

Policies of other packages may use :mod:`hosts`, :mod:`datastores` and :mod:`matching`.
"""
