from __future__ import annotations

import pytest

from opennebula_core.errors import InternalError
from opennebula_core.managers.hook.definition import define
from opennebula_core.model.objects import Hook
from opennebula_core.model.template import Template

CALLS = frozenset({"one.vm.allocate"})


def hook(text: str, kind: str = "") -> Hook:
    made = Hook(0, "h", type=kind, template=Template.parse(f"COMMAND=run.sh\n{text}\n"))
    define(made, CALLS, ("/opt/hooks",))
    return made


@pytest.mark.parametrize(
    ("text", "state"),
    [
        ("RESOURCE=VM\nON=CREATE", "PENDING LCM_INIT"),
        ("RESOURCE=vm\nON=running", "ACTIVE RUNNING"),
        ("RESOURCE=VM\nON=SHUTDOWN", "ACTIVE EPILOG"),
        ("RESOURCE=VM\nON=STOP", "STOPPED LCM_INIT"),
        ("RESOURCE=VM\nON=DONE", "DONE LCM_INIT"),
        ("RESOURCE=VM\nON=CUSTOM\nSTATE=ACTIVE\nLCM_STATE=BOOT_FAILURE", "ACTIVE BOOT_FAILURE"),
        ("RESOURCE=VM\nSTATE=POWEROFF\nLCM_STATE=LCM_INIT", "POWEROFF LCM_INIT"),
        ("RESOURCE=VM\nSTATE=POWEROFF", "POWEROFF LCM_INIT"),
        ("RESOURCE=HOST\nSTATE=ERROR", "ERROR"),
        ("RESOURCE=HOST\nON=DISABLE", "DISABLED"),
        ("RESOURCE=IMAGE\nSTATE=READY", "READY"),
        ("RESOURCE=NET\nON=CREATE", "READY"),
    ],
)
def test_a_hook_on_states_knows_its_state(text: str, state: str) -> None:
    made = hook(f"TYPE=state\n{text}")
    assert (made.type, made.state) == ("state", state)
    assert "TYPE" not in made.template
    assert "ON" not in made.template
    assert made.template.get("STATE") == state.split()[0]


def test_a_hook_on_calls_knows_its_call() -> None:
    made = hook("TYPE=API\nCALL=one.vm.allocate")
    assert (made.type, made.call, made.state) == ("api", "one.vm.allocate", "")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "Invalid Hook type: ''"),
        ("TYPE=cron", "Invalid Hook type: 'cron'"),
        ("TYPE=api", "Invalid API call: ''"),
        ("TYPE=api\nCALL=one.vm.explode", "Invalid API call"),
        ("TYPE=api\nCALL=one.vm.allocate\nREMOTE=YES", "a call has no host"),
        ("TYPE=state", "Invalid RESOURCE"),
        ("TYPE=state\nRESOURCE=ZONE\nSTATE=READY", "Invalid RESOURCE"),
        ("TYPE=state\nRESOURCE=IMAGE\nSTATE=READY\nREMOTE=yes", "nothing else has a host"),
        ("TYPE=state\nRESOURCE=HOST", "Invalid STATE"),
        ("TYPE=state\nRESOURCE=VM\nON=LUNCH", "Invalid ON: 'LUNCH'; use one of CREATE"),
        ("TYPE=state\nRESOURCE=HOST\nON=RUNNING", "Invalid ON"),
        ("TYPE=state\nRESOURCE=VM\nSTATE=ACTIVE", "ACTIVE takes an LCM_STATE"),
        ("TYPE=state\nRESOURCE=VM\nSTATE=DONE\nLCM_STATE=RUNNING", "others none"),
        ("TYPE=state\nRESOURCE=VM\nSTATE=ACTIVE\nLCM_STATE=WALKING", "Invalid LCM_STATE"),
        ("TYPE=api\nCALL=one.vm.allocate\nTIMEOUT=soon", "write seconds"),
        ("TYPE=api\nCALL=one.vm.allocate\nTIMEOUT=0", "write seconds"),
    ],
)
def test_what_names_no_event_is_refused(text: str, why: str) -> None:
    with pytest.raises(InternalError, match=why):
        hook(text)


def test_the_type_stays() -> None:
    assert hook("CALL=one.vm.allocate", "api").type == "api"
    with pytest.raises(InternalError, match="cannot be changed"):
        hook("TYPE=state\nRESOURCE=VM\nON=DONE", "api")


@pytest.mark.parametrize("command", ["run.sh", "vm/run.sh --fast /x", "/opt/hooks/x", "/opt/hooks/a b"])
def test_commands_of_the_folders_are_taken(command: str) -> None:
    made = Hook(0, "h", template=Template((("TYPE", "api"), ("CALL", "one.vm.allocate"))))
    made.template.set("COMMAND", command)
    define(made, CALLS, ("/opt/hooks",))


@pytest.mark.parametrize(
    "command",
    ["", "  ", "../x", "a/../../x", "/bin/sh", "/opt/hooks/../x", "/opt/hooksx/y", "a\nb", "x" * 2000],
)
def test_commands_from_elsewhere_are_refused(command: str) -> None:
    made = Hook(0, "h", template=Template((("TYPE", "api"), ("CALL", "one.vm.allocate"))))
    made.template.set("COMMAND", command)
    with pytest.raises(InternalError, match="COMMAND"):
        define(made, CALLS, ("/opt/hooks",))
