"""``one doctor``: everything that is known to go wrong with a cloud, looked at in one go."""

from __future__ import annotations

import json
from collections.abc import Sequence

import click

from opennebula_core.cli.application import Application, pass_application
from opennebula_core.cli.doctor.examination import examine
from opennebula_core.cli.doctor.findings import Finding, Level


@click.command()
@click.option("-j", "--json", "as_json", is_flag=True, help="Print JSON.")
@pass_application
def doctor(application: Application, as_json: bool) -> None:
    """Look for what is wrong with the cloud, also when it does not run.

    Each line says what was looked at, and for what is wrong the command that helps. Nothing is changed.
    Exit status 0 when all is well, 1 with warnings, 2 with errors.
    """
    findings: list[Finding] = []
    for finding in examine(application):
        findings.append(finding)
        if not as_json:
            _tell(finding)
    worst = max((finding.level for finding in findings), default=Level.OK)
    if as_json:
        click.echo(json.dumps(_document(findings, worst), indent=2))
    click.get_current_context().exit(int(worst))


def _tell(finding: Finding) -> None:
    start = f"{finding.level.word:8} {finding.area:13} "
    # A second line belongs to the first: an error's text may have several.
    body = finding.text.replace("\n", f"\n{' ' * len(start)}")
    click.echo(click.style(start, fg=finding.level.color) + body)
    if finding.remedy:
        click.echo(f"{' ' * len(start)}-> {finding.remedy}")


def _document(findings: Sequence[Finding], worst: Level) -> dict[str, object]:
    return {
        "status": worst.word,
        "findings": [
            {
                "area": finding.area,
                "level": finding.level.word,
                "text": finding.text,
                "remedy": finding.remedy,
            }
            for finding in findings
        ],
    }
