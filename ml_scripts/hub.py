"""The `hub` command: every verb of this folder under one name."""

from importlib import import_module
from importlib.metadata import version
from typing import Annotated, Any, Final

import typer
from typer.core import TyperGroup

from ml_scripts.console import command_line, run

VERBS: Final = (
    "start",
    "demo",
    "ingest",
    "instrument",
    "build",
    "export",
    "train",
    "retrain",
    "models",
    "predict",
    "shadow",
    "service",
    "settle",
    "monitor",
    "alerts",
    "gates",
    "stage",
    "backtest",
    "action",
    "breaker",
    "audit",
    "reproduce",
    "backup",
    "doctor",
    "app",
)
"""The modules of this folder that are verbs, in the order of the help; each has a `command`, or a `cli` of several."""


class _Verbs(TyperGroup):
    """Loads a verb when it is asked for: the libraries of all of them cost a second of every start."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.commands = dict.fromkeys(VERBS)  # type: ignore[assignment]  # the names; get_command has the rest

    def get_command(self, _context: Any, cmd_name: str) -> Any:
        """Return the verb called `cmd_name`, or None."""
        if cmd_name not in self.commands:
            return None
        module = import_module(f"ml_scripts.{cmd_name}")
        command = typer.main.get_command(getattr(module, "cli", None) or command_line(module.command))
        command.name = cmd_name
        return command


cli = typer.Typer(
    cls=_Verbs,
    help="A trading hub that never flatters a model.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["--help", "-h"]},
)


def _show_version(asked: bool) -> None:
    if asked:
        typer.echo(f"trading hub {version('trading-hub')}")
        raise typer.Exit


@cli.callback()
def hub(
    _version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Say which version this is.")
    ] = False,
) -> None:
    """Take what comes before the verb."""


def main() -> None:
    """Run the command line."""
    run(cli)


if __name__ == "__main__":
    main()
