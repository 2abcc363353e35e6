"""``one metrics``: a look at the metrics, and the tokens of those who scrape them."""

from __future__ import annotations

import json
from typing import Final

import click
from prometheus_client.parser import text_string_to_metric_families

from opennebula_core.cli.application import Application, command_group, pass_application
from opennebula_core.cli.columns import date, number, text
from opennebula_core.cli.kinds import Kind
from opennebula_core.cli.listing import Listing, add_list_command
from opennebula_metrics.scraping import PATH

TOKEN: Final = Kind("metrics token", "one.metrics", "one.metrics.tokenpool", "METRICS_TOKEN", None)
COLUMNS: Final = (number("ID", "ID"), text("USER", "UNAME"), text("NAME", "NAME"), date("CREATED", "CREATED"))

metrics = command_group("metrics", "Prometheus metrics of the cloud, its hosts and its VMs.")
token = command_group("token", "What scrapers show instead of a password.")
metrics.add_command(token)
add_list_command(token, Listing(TOKEN, COLUMNS, ("ID", "USER", "NAME", "CREATED")))


@metrics.command()
@click.argument("prefix", default="")
@click.option("--json", "as_json", is_flag=True, help="Print a list of objects with name, labels and value.")
@pass_application
def show(application: Application, prefix: str, as_json: bool) -> None:
    """Print the metrics that you may see, or those whose names begin with PREFIX."""
    families = text_string_to_metric_families(application.client.text("one.metrics.show"))
    samples = [sample for family in families for sample in family.samples if sample.name.startswith(prefix)]
    if as_json:
        rows = [{"name": found.name, "labels": found.labels, "value": found.value} for found in samples]
        click.echo(json.dumps(rows, indent=2))
        return
    for found in samples:
        labels = ", ".join(f"{label}={value}" for label, value in found.labels.items())
        click.echo(f"{found.name:<42} {found.value:>18.15g}  {labels}".rstrip())


@token.command()
@click.argument("name")
@pass_application
def create(application: Application, name: str) -> None:
    """Make a token called NAME and print it; it is not shown again."""
    made = application.client.text("one.metrics.tokenallocate", name)
    click.echo(made)
    click.echo(
        "Next: write it to a file that only Prometheus can read, and add to its scrape_configs:\n"
        f"  metrics_path: {PATH}\n"
        "  authorization: { credentials_file: THAT_FILE }",
        err=True,
    )


@token.command()
@click.argument("token_id", metavar="ID", type=int)
@pass_application
def delete(application: Application, token_id: int) -> None:
    """Delete the token with this ID; whoever scrapes with it is refused from now on."""
    application.client.integer("one.metrics.tokendelete", token_id)
