"""The `hub` command: every verb of this folder under one name."""

import typer

from ml_scripts import (
    app,
    audit,
    build,
    demo,
    doctor,
    export,
    ingest,
    models,
    monitor,
    predict,
    settle,
    shadow,
    start,
    train,
)
from ml_scripts.console import run

cli = typer.Typer(
    help="A trading hub that never flatters a model.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
cli.command("start")(start.command)
cli.command("demo")(demo.command)
cli.command("ingest")(ingest.command)
cli.command("build")(build.command)
cli.command("export")(export.command)
cli.command("train")(train.command)
cli.add_typer(models.cli, name="models")
cli.command("predict")(predict.command)
cli.command("shadow")(shadow.command)
cli.command("settle")(settle.command)
cli.command("monitor")(monitor.command)
cli.add_typer(audit.cli, name="audit")
cli.command("doctor")(doctor.command)
cli.command("app")(app.command)


def main() -> None:
    """Run the command line."""
    run(cli)


if __name__ == "__main__":
    main()
