"""`infradb demo`."""

import tempfile
from pathlib import Path

import click

from infradb.interfaces.cli.up import place_options, serve
from infradb.operations import demo as operations


@click.command(epilog="Examples:  infradb demo    infradb demo --load lab.db && infradb --database lab.db list hosts")
@click.option("--load", "file", type=click.Path(dir_okay=False, path_type=Path), help="Only write it to this file.")
@place_options
@click.pass_context
def demo(ctx: click.Context, file: Path | None, listen: str | None, port: int | None, names: tuple[str, ...]) -> None:
    """Show a lab of invented data: 23 hosts, 80 containers, 77 services, in a database of its own.

    Served with a banner until Ctrl-C; your own database is not touched.
    """
    if file is not None:
        _, report = operations.load(file)
        click.echo(f"wrote {report.counts['created']} things to {file}; look with `infradb --database {file} list`")
        return
    with tempfile.TemporaryDirectory(prefix="infradb-demo-") as folder:
        path = Path(folder) / "demo.db"
        operations.load(path)
        click.echo("invented data: nothing of it exists", err=True)
        ctx.find_root().obj["database"] = str(path)
        ctx.invoke(serve, listen=listen, port=port, names=names)
