"""What changes rarely on a host: its name, processor, programs, and what its libvirt offers."""

from __future__ import annotations

import re
from importlib.metadata import version
from xml.etree.ElementTree import Element

from opennebula_core.errors import XmlError
from opennebula_core.model.elements import parse_element
from opennebula_im_ssh.answer import Answer, refusal

Attributes = tuple[tuple[str, str], ...]

MAX_VALUE_CHARS = 16 * 1024
MAX_XML_CHARS = 2 * 1024 * 1024

_LIBVIRT = re.compile(r"^Using library: libvirt ([0-9.]{1,20})$", re.MULTILINE)
_QEMU = re.compile(r"^Running hypervisor: QEMU ([0-9.]{1,20})$", re.MULTILINE)
_MODEL = re.compile(r"^model name\s*: (.{1,200})$", re.MULTILINE)
_MHZ = re.compile(r"^cpu MHz\s*: ([0-9]{1,7})", re.MULTILINE | re.ASCII)
_MAX_KHZ = re.compile(r"^max kHz\s*: ([0-9]{1,10})$", re.MULTILINE | re.ASCII)
_WORD = re.compile(r"[\w.+:-]{1,100}\Z")


def facts(answer: Answer) -> Attributes:
    """Return the host's attributes, in OpenNebula's names where it has one; what is unknown is left out.

    :raises DriverError: an answer is not of the form that it must have
    """
    arch, hostname = _machine(answer)
    processor, programs = answer.text("processor"), answer.text("version")
    found = [
        ("ARCH", arch),
        ("HOSTNAME", hostname),
        ("HYPERVISOR", "kvm"),
        ("MODELNAME", _first(_MODEL, processor)),
        ("CPUSPEED", _speed_mhz(processor)),
        ("VERSION", version("opennebula-im-ssh")),
        ("LIBVIRT_VERSION", _first(_LIBVIRT, programs)),
        ("QEMU_VERSION", _first(_QEMU, programs)),
        ("NFT", "YES" if answer.text("programs").strip() else "NO"),
        *_offers(_xml(answer, "capabilities"), arch),
        *_cpu_models(_xml(answer, "domain_capabilities")),
    ]
    return tuple((name, _printable(value)) for name, value in found if value)


def _machine(answer: Answer) -> tuple[str, str]:
    lines = answer.lines("machine")
    if len(lines) != 2 or not all(_WORD.match(line) for line in lines):
        raise refusal("machine", f"{' '.join(lines)[:80]!r} is no architecture with a name")
    return lines[0], lines[1]


def _speed_mhz(processor: str) -> str:
    """Return the highest speed; the present one where the host does not say."""
    highest = _first(_MAX_KHZ, processor)
    return str(int(highest) // 1000) if highest else _first(_MHZ, processor)


def _offers(capabilities: Element | None, arch: str) -> list[tuple[str, str]]:
    """Return the machine types for the host's architecture, and whether libvirt offers KVM for it.

    Whether a guest truly runs under that KVM is another question, which the VMM driver finds out.
    """
    if capabilities is None:
        raise refusal("capabilities", "it is empty")
    found = [node for node in capabilities.iterfind("guest/arch") if node.get("name") == arch]
    machines = {machine.text or "" for node in found for machine in node.iterfind("machine")}
    kinds = {domain.get("type") for node in found for domain in node.iterfind("domain")}
    return [
        ("KVM_OFFERED", "YES" if "kvm" in kinds else "NO"),
        ("KVM_MACHINES", _joined(machines)),
    ]


def _cpu_models(capabilities: Element | None) -> list[tuple[str, str]]:
    """Return the processor models that guests may have, and the one nearest to the host's own."""
    if capabilities is None:
        return []
    custom = capabilities.iterfind("cpu/mode[@name='custom']/model[@usable='yes']")
    own = capabilities.findtext("cpu/mode[@name='host-model']/model", "")
    return [
        ("KVM_CPU_MODELS", _joined({model.text or "" for model in custom})),
        ("KVM_CPU_MODEL", own),
    ]


def _xml(answer: Answer, section: str) -> Element | None:
    text = answer.text(section).strip()
    if not text:
        return None
    try:
        return parse_element(text, max_chars=MAX_XML_CHARS)
    except XmlError as error:
        raise refusal(section, str(error)) from error


def _joined(words: set[str]) -> str:
    return " ".join(sorted(word for word in words if _WORD.match(word)))


def _first(pattern: re.Pattern[str], text: str) -> str:
    match = pattern.search(text)
    return match[1].strip() if match else ""


def _printable(value: str) -> str:
    return "".join(character for character in value if character.isprintable())[:MAX_VALUE_CHARS]
