"""The `medclf` command with all its subcommands."""

import logging
import os
import sys

import typer

from medclf.cli.audit import audit_app
from medclf.cli.cache import cache_app
from medclf.cli.deidentify import deidentify
from medclf.cli.door import refuse
from medclf.cli.leakage import leakage
from medclf.cli.opinions import ask, read, serve
from medclf.cli.studies import demo, dicomize, ingest, init, models, release, train, validate
from medclf.cli.variant import variant
from medclf.errors import MedclfError

_EPILOG = (
    "Exit codes: 0 done · 1 other error · 2 wrong call or configuration · 3 bad input data · "
    "4 tampering found · 5 disk, server or file not available · 130 stopped with Ctrl-C. "
    "The installation's folder is --home, MEDCLF_HOME or ~/.medclf."
)

app = typer.Typer(
    name="medclf",
    help="Calibrated second opinions on medical images, with proof of what was done.",
    epilog=_EPILOG,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        print(f"medclf {version('medclf')}")
        raise typer.Exit


@app.callback()
def _top(
    version: bool = typer.Option(
        False, "--version", callback=_version, is_eager=True, help="Print the version."
    ),
) -> None:
    """Calibrated second opinions on medical images, with proof of what was done."""


_FIRST = "Start here"
_STUDY = "A study, step by step"
_OPINION = "Second opinions"

app.command(rich_help_panel=_FIRST)(demo)
app.command(rich_help_panel=_FIRST)(init)
app.command(rich_help_panel=_FIRST)(models)
app.command(rich_help_panel=_FIRST)(dicomize)
app.command(rich_help_panel=_FIRST)(deidentify)
app.command(rich_help_panel=_STUDY)(ingest)
app.command(rich_help_panel=_STUDY)(leakage)
app.command(rich_help_panel=_STUDY)(train)
app.command(rich_help_panel=_STUDY)(validate)
app.command(rich_help_panel=_STUDY)(release)
app.command(rich_help_panel=_STUDY)(variant)
app.command(rich_help_panel=_OPINION)(read)
app.command(rich_help_panel=_OPINION)(serve)
app.command(rich_help_panel=_OPINION)(ask)
app.add_typer(audit_app, name="audit", rich_help_panel="Proof")
app.add_typer(cache_app, name="cache", rich_help_panel="Upkeep")


def main() -> None:
    """Run the command line and exit with the documented code."""
    quiet_libraries()
    try:
        app()
    except MedclfError as error:
        refuse(error)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(130)
    except OSError as error:  # the last line of defence: a disk that is full or read-only
        name = error.filename if isinstance(error.filename, str) else ""
        refuse(
            MedclfError(
                f"{error.strerror or type(error).__name__}{': ' + name if name else ''}.",
                advice="Check space and permissions, then run the same command again.",
            )
        )
        sys.exit(5)


def quiet_libraries() -> None:
    """Keep other libraries' chatter off the terminal and settle what they read at their start.

    Their errors still come through.
    """
    for name in (
        "lightning_fabric.utilities.rank_zero",  # importing its parent would set that one's level
        "mlflow",
        "alembic",
        "pydicom",
        "highdicom",
    ):
        logging.getLogger(name).setLevel(logging.ERROR)
    # torch reads it when a GPU is first used: `fit.deterministic` needs cuBLAS to repeat itself.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    os.environ.setdefault("GRPC_VERBOSITY", "ERROR")
    os.environ.setdefault("GLOG_minloglevel", "2")
    if not sys.warnoptions:
        import warnings

        warnings.simplefilter("ignore")
