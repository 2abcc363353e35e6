from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from opennebula_core.db.store import Store
from opennebula_core.db.transaction import Transaction
from opennebula_core.model.objects import AddressRange, Network

SIZE = 6


def _network(tx: Transaction) -> int:
    network_id = tx.networks.allocate(Network(id=-1, name=f"net-{tx.next_id('names')}", bridge="br0"))
    tx.networks.add_range(network_id, AddressRange(-1, "IP4", SIZE, "02:00:0a:00:00:02", ip="10.0.0.2"))
    return network_id


def test_addresses_are_leased_from_the_lowest_and_come_back(store: Store) -> None:
    def work(tx: Transaction) -> list[int | None]:
        network_id = _network(tx)
        taken = [tx.networks.take_lease(network_id, 0, vm_id) for vm_id in range(SIZE + 1)]
        tx.networks.release_vm(2)
        return [*taken, tx.networks.take_lease(network_id, 0, 99), tx.networks.get(network_id).used_leases]

    assert store.write_now(work) == [0, 1, 2, 3, 4, 5, None, 2, SIZE]


def test_an_address_that_is_held_is_not_leased(store: Store) -> None:
    def work(tx: Transaction) -> list[int | None]:
        network_id = _network(tx)
        held = tx.networks.take_lease(network_id, 0, -1, index=0)
        again = tx.networks.take_lease(network_id, 0, 7, index=0)
        return [held, again, tx.networks.take_lease(network_id, 0, 7)]

    assert store.write_now(work) == [0, None, 1]


steps = st.lists(
    st.one_of(
        st.tuples(st.just("take"), st.integers(0, 9)),
        st.tuples(st.just("pick"), st.integers(0, SIZE)),
        st.tuples(st.just("release"), st.integers(0, 9)),
        st.tuples(st.just("give"), st.integers(0, SIZE)),
    ),
    max_size=40,
)


@given(steps=steps)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_leases_are_those_of_a_plain_set_whatever_happens(store: Store, steps: list[tuple[str, int]]) -> None:
    def work(tx: Transaction) -> None:
        network_id = _network(tx)
        model: dict[int, int] = {}
        for what, number in steps:
            if what == "take":
                free = [index for index in range(SIZE) if index not in model]
                expected = free[0] if free else None
                assert tx.networks.take_lease(network_id, 0, number) == expected
                if expected is not None:
                    model[expected] = number
            elif what == "pick":
                expected = number if number < SIZE and number not in model else None
                assert tx.networks.take_lease(network_id, 0, 50, index=number) == expected
                if expected is not None:
                    model[expected] = 50
            elif what == "release":
                tx.networks.release_vm(number)
                model = {index: holder for index, holder in model.items() if holder != number}
            else:
                assert tx.networks.release_lease(network_id, 0, number) == (
                    model.pop(number, None) is not None
                )
        network = tx.networks.get(network_id)
        tx.networks.load_leases(network)
        assert {lease.index: lease.vm_id for lease in network.ranges[0].leases} == model
        assert network.used_leases == network.ranges[0].used_leases == len(model)
        for holder in range(51):
            tx.networks.release_vm(holder)

    store.write_now(work)
