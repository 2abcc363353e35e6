"""The access manager, registered like any plugin's manager."""

from __future__ import annotations

from opennebula_core.contracts.manager import ManagerRegistry
from opennebula_core.hookspecs import impl
from opennebula_core.managers.access.group_names import GroupNames
from opennebula_core.managers.access.groups import group_methods
from opennebula_core.managers.access.login import login_method
from opennebula_core.managers.access.quotas import quota_methods
from opennebula_core.managers.access.rules import acl_methods
from opennebula_core.managers.access.token_key import TokenKey
from opennebula_core.managers.access.tokens import Tokens
from opennebula_core.managers.access.users import user_methods


class AccessManager:
    """Adds the methods of users, groups, their quotas, and access rules."""

    @impl
    def opennebula_register_manager(self, registry: ManagerRegistry) -> None:
        """Add methods, the cleaning up of expired tokens, and what is left of renaming."""
        core = registry.core
        tokens = core.tokens = Tokens(core.store, TokenKey.at(core.location.token_key_file))
        core.on_start.append(tokens.report_void)
        registry.add_background_task("login tokens", tokens.clean_up)
        registry.add_method(login_method(core.config, tokens))
        names = GroupNames(core.store)
        registry.add_background_task("names of groups", names.run)
        for method in (*user_methods(core), *group_methods(names.renamed), *quota_methods(), *acl_methods()):
            registry.add_method(method)
