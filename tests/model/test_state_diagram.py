from __future__ import annotations

from pathlib import Path

from opennebula_core.model.state_diagram import render_mermaid, render_page
from opennebula_core.model.vm_events import VmEvent

PAGE = Path(__file__).parents[2] / "docs" / "vm-states.md"


def test_the_manuals_page_is_drawn_from_the_table_as_it_is() -> None:
    assert PAGE.read_text() == render_page(), (
        "run python -m opennebula_core.model.state_diagram > docs/vm-states.md"
    )


def test_every_event_is_on_the_page() -> None:
    page = render_page()
    outcomes = {VmEvent.STEP_SUCCEEDED, VmEvent.STEP_FAILED, VmEvent.MOVED_POWERED_OFF, VmEvent.DELETE_DB}
    columns = {VmEvent.RECOVER_RETRY, VmEvent.RECOVER_SUCCESS, VmEvent.RECOVER_FAILURE}
    named_as_options = {VmEvent.DELETE, VmEvent.RECREATE}

    assert [
        event for event in VmEvent if event not in outcomes | columns | named_as_options and event not in page
    ] == []


def test_a_diagram_follows_the_steps_that_an_event_starts() -> None:
    lines = render_mermaid([VmEvent.STOP]).splitlines()

    assert "    RUNNING --> SAVE_STOP: STOP" in lines
    assert "    SAVE_STOP --> EPILOG_STOP: ok" in lines
    assert "    EPILOG_STOP --> STOPPED: ok" in lines
