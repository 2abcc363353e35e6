"""Users that an auth driver vouches for, made on first sight. Source: OpenNebula 6.10, UserPool."""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from typing import Final

from opennebula_core.contracts.method import ObjectKind
from opennebula_core.db.transaction import Transaction
from opennebula_core.errors import DriverError, InternalError
from opennebula_core.managers.access.groups import make_admin
from opennebula_core.managers.access.passwords import CORE_DRIVER, SERVER_DRIVERS, check_driver_name
from opennebula_core.managers.access.users import USERS_GROUP, make_user
from opennebula_core.model.names import check_name
from opennebula_core.model.objects import User

LOG = logging.getLogger(__name__)

_GROUP: Final = re.compile(r"(\*?)([0-9]{1,9})(\*?)")
_OWN_DRIVERS: Final = (SERVER_DRIVERS, "public")


@dataclass(frozen=True, slots=True)
class Newcomer:
    """Somebody as a driver describes him.

    :param group_ids: the primary group first; none: the group users
    :param admin_of: those of them that he is an admin of
    """

    driver: str
    name: str
    password: str
    group_ids: tuple[int, ...] = ()
    admin_of: frozenset[int] = frozenset()


def parse_newcomer(answer: str) -> Newcomer:
    """Return whom a driver's answer ``DRIVER NAME PASSWORD [GROUP_ID...]`` describes; ``*`` marks an admin.

    :raises DriverError: it describes nobody that could be a user
    """
    words = answer.split()
    if len(words) < 3:
        raise DriverError("its answer is not DRIVER NAME PASSWORD [GROUP...]; look at the driver")
    driver, name, password, *groups = words
    try:
        check_driver_name(driver)
        check_name(name, allow_blanks=False)
    except InternalError as error:
        raise DriverError(f"its answer names nobody: {error}") from None
    if driver == CORE_DRIVER or driver.startswith(_OWN_DRIVERS):
        raise DriverError(f"its answer names the driver {driver!r}, whose users only administrators make")
    found = [_GROUP.fullmatch(word) for word in groups]
    if not all(found):
        raise DriverError("its answer has words that are no ids of groups; look at the driver")
    ids = tuple(dict.fromkeys(int(match[2]) for match in found if match))
    admin_of = frozenset(int(match[2]) for match in found if match and (match[1] or match[3]))
    return Newcomer(driver, name, password, ids, admin_of)


def welcome(tx: Transaction, newcomer: Newcomer) -> User:
    """Return the user, who is made when he is not there.

    :raises DriverError: his groups do not exist, or the name is that of a user who has another driver
    """
    known = tx.users.find_by_name(newcomer.name)
    if known is not None:
        # The driver may write a name in its own way; whom it vouches for is then known after all.
        if known.auth_driver == newcomer.driver and known.enabled:
            return known
        raise DriverError(
            f"the name {newcomer.name!r} is user {known.id}'s, of the driver {known.auth_driver!r}"
        )
    groups = [tx.groups.find(group_id) for group_id in newcomer.group_ids or (USERS_GROUP,)]
    there = [group for group in groups if group is not None]
    if not there:
        raise DriverError(f"none of his groups {list(newcomer.group_ids)} exists; make one, or map others")
    if len(there) < len(groups):
        LOG.warning("user %r: some of his groups %s do not exist", newcomer.name, list(newcomer.group_ids))
    user = User(
        id=-1,
        name=newcomer.name,
        password=newcomer.password,
        auth_driver=newcomer.driver,
        gid=there[0].id,
        gname=there[0].name,
        group_ids=[group.id for group in there],
    )
    make_user(tx, user)
    for group in there:
        if group.id in newcomer.admin_of:
            make_admin(tx, group.id, user.id)
    LOG.info(
        "%s %d: made for %r, whom the driver %r knows", ObjectKind.USER, user.id, user.name, user.auth_driver
    )
    return user
