"""Templates of virtual networks."""

from __future__ import annotations

from opennebula_core.contracts.method import ObjectKind
from opennebula_core.db.pool import NameScope, Pool
from opennebula_core.db.tables import NetworkTemplateRow
from opennebula_core.model.objects import NetworkTemplate


class NetworkTemplatePool(Pool[NetworkTemplate]):
    """The templates that networks are made from."""

    row = NetworkTemplateRow
    value = NetworkTemplate
    kind = ObjectKind.VNTEMPLATE
    title = "virtual network template"
    names = NameScope.OWNER
