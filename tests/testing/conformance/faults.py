"""The faults that a small driver can be told to have, by the kind that is tried and the check for them.

What a fault is stands in ``small/``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

FAULTS: Final[Mapping[str, str]] = {
    "vmm": """
        start.init: talks-first greets fails-init no-answer-to-init
        work.once: answers-twice answers-twice-later other-id no-answer-to-failures newline-in-info
        work.once: rubbish-in-info tells-colours action-in-lower-case other-result-word debug-on-stdout
        work.once: strange-severity answers-one-late poll-of-nothing-fails
        end.finalize: leaves-a-process leaves-output-open
        end.work: starts-processes
        work.many: loses-some
        work.leaks: leaks-descriptors leaks-children
        lines.unknown: dies-of-unknown unknown-succeeds
        lines.damaged: dies-of-damage silent-at-damage damage-succeeds
        action.DEPLOY: second-deploy-fails second-deploy-renames two-words-for-an-id no-deploy-id
        action.DEPLOY: deploys-nothing poll-says-a-word
        action.DEPLOY-failure: failed-deploy-runs no-reason
        action.DEPLOY-killed: lock-survives
        action.after-kill: forgets-at-its-end
        action.CANCEL: second-cancel-fails cancel-does-nothing
        action.others: cancel-ends-all same-id-for-all
        action.SHUTDOWN: second-shutdown-fails
        action.SAVE: second-save-fails save-leaves-it-running
        action.RESTORE: second-restore-fails
        action.RESTORE-failure: restores-from-nothing
        action.MIGRATE: second-migrate-fails migrate-leaves-it-here
        action.MIGRATE-failure: migrates-nothing
        action.REBOOT: restarts-nothing restart-ends-it
        action.ATTACHNIC: plugs-into-nothing second-attach-fails second-detach-fails
        action.SNAPSHOT: snapshot-without-a-name
    """,
    "tm": """
        work.beside: one-after-the-other serial-work
        work.once: answers-in-pieces
        lines.pieces: loses-lines-together reads-whole-lines-only
        work.cancel-idle: dies-of-cancel cancel-spoils answers-cancel
        work.cancel: answers-what-was-cancelled
        lines.damaged: unknown-verbs-succeed missing-words-succeed
        work.many: missing-script-succeeds
        action.TRANSFER: goes-on-after-failure
        action.CLONE: second-clone-fails clone-cuts-off leaves-a-part
        action.CLONE-failure: failed-clone-leaves-a-file
        action.CLONE-killed: clone-in-place
        action.CLONE-together: mixes-up-disks
        action.MKIMAGE: other-megabytes second-mkimage-fails
        action.MV: second-mv-fails mv-copies
        action.MVDS: mvds-does-nothing
        action.DELETE: second-delete-fails deletes-nothing
    """,
    "datastore": """
        lines.binary: dies-of-binary
        lines.empty: dies-of-empty-lines dies-without-number
        lines.blanks: wants-two-blanks wants-one-blank
        lines.large: long-lines-lost
        action.STAT: stat-in-bytes stat-says-unit stat-rounds-down
        action.STAT-failure: stat-of-nothing
        action.CP: blank-in-source another-copy-each-time second-cp-fails strange-format
        action.CP-together: one-name-for-all
        action.CLONE: clone-is-the-image
        action.RM: second-rm-fails rm-does-nothing
        action.RM-others: rm-of-a-prefix rm-of-anything
        action.MONITOR: room-does-not-add-up room-in-gigabytes room-not-encoded
    """,
    "im": """
        action.messages: watches-twice sends-nothing sends-another-host sends-not-packed
        action.messages: sends-strange-types
        action.STOP_MONITOR: stop-does-nothing
        work.once: second-stop-fails
        action.end: sends-from-outside waits-for-work
        action.START_MONITOR: answer-not-packed
        action.unreachable: unreachable-succeeds
    """,
    "auth": """
        end.finalize: ignores-finalize ends-with-status-3
        end.input: ignores-end-of-input
        start.stderr: needs-stderr
        work.many: mixes-up-ids
        action.together: mixes-up-secrets
        action.wrong: lets-all-in compares-the-beginning compares-without-case compares-what-there-is
        action.wrong: repeats-the-secret
        action.others: lets-others-in
        action.strangers: strangers-without-words
    """,
}


def faults_of(kind: str) -> dict[str, str]:
    """Return the faults that a kind is tried with, each with the name of the check that finds it."""
    found = {}
    for line in FAULTS[kind].strip().splitlines():
        check, _, names = line.strip().partition(": ")
        found.update(dict.fromkeys(names.split(), check))
    return found
