"""Datastores' room, on the front-end and on hosts, and images that could not be made."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final
from xml.etree.ElementTree import Element

from opennebula_core.cli.application import Application
from opennebula_core.cli.columns import KIB_PER_MIB, figure
from opennebula_core.cli.doctor.findings import Finding, error, limited, ok, warning
from opennebula_core.cli.kinds import IMAGE
from opennebula_core.cli.quantities import size_text
from opennebula_core.cli.states import full_name
from opennebula_core.model.states import ImageState

LOW_SHARE, NO_SHARE = 0.10, 0.02
"""Shares of free room below which there is a warning, and an error."""
AREA: Final = "datastores"


def examine_storage(datastores: Sequence[Element], hosts: Sequence[Element]) -> Iterator[Finding]:
    """Yield datastores that are nearly full."""
    findings: list[Finding] = []
    for datastore in datastores:
        name, own_id = datastore.findtext("NAME", ""), datastore.findtext("ID", "")
        findings.extend(_of_room(datastore, f"datastore {name}", f"onedatastore show {own_id}"))
    for host in hosts:
        for datastore in host.iterfind("HOST_SHARE/DATASTORES/DS"):
            what = f"datastore {datastore.findtext('ID')} on host {host.findtext('NAME')}"
            findings.extend(_of_room(datastore, what, f"onehost show {host.findtext('ID')}"))
    if not findings:
        yield ok(AREA, f"{len(datastores)}, none is short of room")
    yield from limited(findings, "onedatastore list")


def _of_room(item: Element, what: str, look: str) -> Iterator[Finding]:
    total, free = figure(item, "TOTAL_MB"), figure(item, "FREE_MB")
    if total <= 0 or free >= total * LOW_SHARE:
        return
    text = f"{what} has {size_text(free * KIB_PER_MIB)} of {size_text(total * KIB_PER_MIB)} free"
    remedy = f"{look}; remove what is not needed (oneimage delete, onevm terminate), or make it larger"
    yield error(AREA, text, remedy) if free < total * NO_SHARE else warning(AREA, text, remedy)


def examine_images(application: Application) -> Iterator[Finding]:
    """Yield images in ERROR."""
    findings = []
    images = IMAGE.list(application.client).findall(IMAGE.element)
    for image in images:
        if full_name(ImageState, image.findtext("STATE")) == ImageState.ERROR.name:
            reason = image.findtext("TEMPLATE/ERROR") or "no reason is known"
            findings.append(
                error("images", f"{image.findtext('NAME')} is in ERROR: {reason}",
                      f"oneimage delete {image.findtext('ID')}, and make it again")
            )  # fmt: skip
    if not findings:
        yield ok("images", f"{len(images)}, none is in ERROR")
    yield from limited(findings, "oneimage list -f STAT=err -l ID,NAME,ERROR")
