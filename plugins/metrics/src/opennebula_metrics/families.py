"""From the database and the newest samples to metrics, as one user may see them.

Names and units follow the conventions of Prometheus: seconds, bytes, cores, ``_total`` for what only grows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from opennebula_core.contracts.method import ObjectKind, Session
from opennebula_core.db.listing import ALL, Selection, select_pool
from opennebula_core.db.transaction import Snapshot
from opennebula_core.model.states import HostState, ImageState
from opennebula_metrics.figures import Samples, figures_of
from opennebula_metrics.transitions import vm_state_name

PREFIX: Final = "opennebula_"
_PERCENT, _KIB, _MIB = 0.01, 1024.0, float(1 << 20)

_VM_GAUGES: Final = {
    "CPU": ("vm_cpu_used_cores", "Processors that the guest uses.", _PERCENT),
    "MEMORY": ("vm_memory_used_bytes", "Memory that the guest uses on its host.", _KIB),
}
_VM_COUNTERS: Final = {
    "NETRX": ("vm_network_receive_bytes", "Bytes received by the guest."),
    "NETTX": ("vm_network_transmit_bytes", "Bytes sent by the guest."),
    "DISKRDBYTES": ("vm_disk_read_bytes", "Bytes read from disks by the guest."),
    "DISKWRBYTES": ("vm_disk_written_bytes", "Bytes written to disks by the guest."),
}
_HOST_GAUGES: Final = {
    "USED_CPU": ("host_cpu_used_cores", "Processors in use.", _PERCENT),
    "USED_MEMORY": ("host_memory_used_bytes", "Memory in use.", _KIB),
}


class CloudMetrics:
    """The metrics at one moment, as a collector of prometheus_client.

    :param tx: the moment; one snapshot, so that all figures agree
    :param session: sees what its user may USE, as listings of pools show it
    """

    def __init__(self, tx: Snapshot, session: Session, samples: Samples) -> None:
        self._tx = tx
        self._session = session
        self._samples = samples
        self._rules = tx.acl_rules()

    def collect(self) -> Iterator[Metric]:
        """Return every metric; nobody's objects of others are in them."""
        yield from self._vms()
        yield from self._hosts()
        yield from self._datastores()
        yield from self._networks()
        yield from self._images()
        if self._session.is_admin:
            yield from self._installation()

    def _selection(self, kind: ObjectKind) -> Selection:
        return select_pool(kind, self._session, self._rules, ALL)

    # -- VMs -------------------------------------------------------------------------------------

    def _vms(self) -> Iterator[Metric]:
        seen = self._selection(ObjectKind.VM).and_("state <> 6")
        rows = self._tx.query(
            "SELECT id, name, uname, gname, state, lcm_state, cpu_percent, memory_mib, "
            "COALESCE((SELECT host.name FROM host WHERE host.id = vm.host_id), '') "
            f"FROM vm WHERE {seen.sql}",
            seen.parameters,
        )
        states: Counter[str] = Counter()
        info = _gauge(
            "vm_info", "A VM that is there: always 1.", "vm", "name", "user", "group", "host", "state"
        )
        cores = _gauge("vm_cpu_asked_cores", "Processors asked for.", "vm")
        memory = _gauge("vm_memory_asked_bytes", "Memory asked for.", "vm")
        for vm_id, name, user, group, state, lcm_state, cpu_percent, memory_mib, host in rows:
            number, word = str(vm_id), vm_state_name(state, lcm_state)
            states[word] += 1
            info.add_metric((number, name, user, group, host, word), 1)
            cores.add_metric((number,), cpu_percent * _PERCENT)
            memory.add_metric((number,), memory_mib * _MIB)
        yield _counted("vms", "VMs by state.", states)
        yield from (info, cores, memory)
        yield from self._guests([row[0] for row in rows if row[8]])

    def _guests(self, vm_ids: Iterable[int]) -> Iterator[Metric]:
        """Return what guests use; only those that are on a host do."""
        gauges = {figure: _gauge(name, text, "vm") for figure, (name, text, _) in _VM_GAUGES.items()}
        counters = {figure: _counter(name, text, "vm") for figure, (name, text) in _VM_COUNTERS.items()}
        for vm_id in vm_ids:
            figures = figures_of(self._samples.of(ObjectKind.VM, vm_id))
            labels = (str(vm_id),)
            for figure, gauge in gauges.items():
                if figure in figures:
                    gauge.add_metric(labels, figures[figure] * _VM_GAUGES[figure][2])
            for figure, counter in counters.items():
                if figure in figures:
                    counter.add_metric(labels, figures[figure])
        yield from gauges.values()
        yield from counters.values()

    # -- what VMs are made on --------------------------------------------------------------------

    def _hosts(self) -> Iterator[Metric]:
        seen = self._selection(ObjectKind.HOST)
        rows = self._tx.query(
            "SELECT id, name, cluster, state, total_cpu, max_cpu, cpu_usage, total_mem, max_mem, mem_usage, "
            f"running_vms, last_monitored FROM host WHERE {seen.sql}",
            seen.parameters,
        )
        yield _counted("hosts", "Hosts by state.", Counter(HostState(row[3]).name for row in rows))
        info = _gauge("host_info", "A host that is there: always 1.", "host", "cluster", "state")
        for row in rows:
            info.add_metric((row[1], row[2], HostState(row[3]).name), 1)
        yield info
        columns = (
            (4, "host_cpu_cores", "Processors of the host.", _PERCENT),
            (5, "host_cpu_offered_cores", "Processors that VMs may be given.", _PERCENT),
            (6, "host_cpu_given_cores", "Processors that VMs asked for.", _PERCENT),
            (7, "host_memory_bytes", "Memory of the host.", _KIB),
            (8, "host_memory_offered_bytes", "Memory that VMs may be given.", _KIB),
            (9, "host_memory_given_bytes", "Memory that VMs asked for.", _KIB),
            (10, "host_vms", "VMs on the host.", 1.0),
            (11, "host_last_monitored_seconds", "When the host was last heard of, since 1970.", 1.0),
        )
        for column, name, text, unit in columns:
            yield _gauge_of(name, text, "host", ((row[1], row[column] * unit) for row in rows))
        used = {row[1]: figures_of(self._samples.of(ObjectKind.HOST, row[0])) for row in rows}
        for figure, (name, text, unit) in _HOST_GAUGES.items():
            known = ((host, found[figure] * unit) for host, found in used.items() if figure in found)
            yield _gauge_of(name, text, "host", known)

    def _datastores(self) -> Iterator[Metric]:
        seen = self._selection(ObjectKind.DATASTORE)
        rows = self._tx.query(
            f"SELECT name, total_mb, used_mb, free_mb FROM datastore WHERE {seen.sql}", seen.parameters
        )
        columns = (
            (1, "datastore_bytes", "Size of the datastore."),
            (2, "datastore_used_bytes", "What is used of the datastore."),
            (3, "datastore_free_bytes", "What is free in the datastore."),
        )
        for column, name, text in columns:
            yield _gauge_of(name, text, "datastore", ((row[0], row[column] * _MIB) for row in rows))

    def _networks(self) -> Iterator[Metric]:
        seen = self._selection(ObjectKind.NET)
        rows = self._tx.query(
            "SELECT id, name, used_leases, COALESCE((SELECT SUM(size) FROM address_range "
            f"WHERE network_id = network.id), 0) FROM network WHERE {seen.sql}",
            seen.parameters,
        )
        addresses = _gauge("network_addresses", "Addresses of the network.", "network", "name")
        used = _gauge(
            "network_used_addresses", "Addresses that are leased, held or reserved.", "network", "name"
        )
        for network_id, name, leases, size in rows:
            addresses.add_metric((str(network_id), name), size)
            used.add_metric((str(network_id), name), leases)
        yield from (addresses, used)

    def _images(self) -> Iterator[Metric]:
        seen = self._selection(ObjectKind.IMAGE)
        rows = self._tx.query(
            f"SELECT state, COUNT(*), SUM(size_mb) FROM image WHERE {seen.condition} GROUP BY state",
            seen.parameters,
        )
        yield _counted("images", "Images by state.", {ImageState(row[0]).name: row[1] for row in rows})
        sizes = {ImageState(row[0]).name: row[2] * _MIB for row in rows}
        yield _counted("images_bytes", "Sizes of images by state.", sizes)

    def _installation(self) -> Iterator[Metric]:
        for what, table in (("users", "user"), ("groups", '"group"')):
            yield GaugeMetricFamily(
                PREFIX + what, f"How many {what} there are.", self._tx.value(f"SELECT COUNT(*) FROM {table}")
            )
        changes = _counter(
            "state_changes", "How often a state was reached, by kind of object.", "kind", "state"
        )
        for kind, state, number in self._tx.query("SELECT kind, state, number FROM metrics_state_change"):
            changes.add_metric((kind, state), number)
        yield changes


def _gauge(name: str, text: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(PREFIX + name, text, labels=labels)


def _counter(name: str, text: str, *labels: str) -> CounterMetricFamily:
    return CounterMetricFamily(PREFIX + name, text, labels=labels)


def _gauge_of(name: str, text: str, label: str, values: Iterable[tuple[str, float]]) -> GaugeMetricFamily:
    gauge = _gauge(name, text, label)
    for key, value in values:
        gauge.add_metric((key,), value)
    return gauge


def _counted(name: str, text: str, states: Counter[str] | dict[str, float]) -> GaugeMetricFamily:
    return _gauge_of(name, text, "state", sorted(states.items()))
