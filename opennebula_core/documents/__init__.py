"""From an object's values to OpenNebula's XML document: pure functions.

Documents are texts in *escaped* form (``&lt;VM&gt;``), ready to be joined and put into an answer's string;
the functions whose names end in ``_xml`` give plain XML, for drivers. What others add to an object (ids of
its VMs, leases, monitoring) is an argument. Element order and types: OpenNebula 6.10.
"""
