"""The commands that give opinions: read without a server, serve, ask."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from medclf import api, installation
from medclf.cli.door import HomeOption, JsonOption, print_json
from medclf.errors import StudyMisuse
from medclf.opinion import Status

if TYPE_CHECKING:
    from medclf.study.read import Read

REJECTED_CODE = 3  # as for any bad input: at least one image was rejected

ImagesArgument = Annotated[list[Path], typer.Argument(help="DICOM, PNG, JPEG or TIFF files.")]


def read(
    package: Annotated[Path, typer.Argument(help="The package's folder.")],
    images: ImagesArgument,
    sr: Annotated[
        Path | None, typer.Option(help="Write the opinion as a DICOM SR; for one DICOM image.")
    ] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Give a package's opinion of images, without a server.

    Exits with 3 when an image was rejected; an abstention is a result like any other.
    """
    from medclf.cli.tables import show_opinion

    if sr is not None and len(images) != 1:
        raise StudyMisuse(
            f"--sr writes one report, and {len(images)} images were named.",
            advice="Name one DICOM image with --sr.",
        )
    if sr is not None:
        _check_target(sr)
    _check_images(images)
    rejected = False
    for done in api.read(package, images, home=home):
        rejected |= done.opinion.status is Status.REJECTED
        if as_json:
            print_json(done.opinion.as_json(str(done.path)))
        else:
            show_opinion(done.path, done.opinion)
        if sr is not None:
            _write_sr(done, package, sr)
    if rejected:
        raise typer.Exit(REJECTED_CODE)


def _check_images(images: list[Path]) -> None:
    """Refuse a folder among the images before anything is read."""
    folder = next((path for path in images if path.is_dir()), None)
    if folder is not None:
        raise StudyMisuse(
            f"{folder} is a folder; files are expected.",
            advice=f"Name the files, for example {folder}/*.dcm.",
        )


def _check_target(out: Path) -> None:
    """Refuse to write over a file, or into a folder that is not there."""
    if out.exists():
        raise StudyMisuse(f"{out} exists already.", advice="Name a new file with --sr.")
    if not out.parent.is_dir():
        raise StudyMisuse(
            f"The folder {out.parent} does not exist.", advice="Make it, or name another."
        )


def _write_sr(done: "Read", package: Path, out: Path) -> None:
    from medclf.study.structured_report import write_sr

    write_sr(done, package, out, now=installation.now())


def serve(
    package: Annotated[Path, typer.Argument(help="The package's folder.")],
    listen: Annotated[str, typer.Option(help="HOST:PORT; port 0 chooses one.")] = "127.0.0.1:50051",
    workers: Annotated[int, typer.Option(min=1, max=256, help="Images read at a time.")] = 1,
    tls_certificate: Annotated[Path | None, typer.Option(help="PEM file of the server.")] = None,
    tls_key: Annotated[Path | None, typer.Option(help="PEM file, its private key.")] = None,
    client_ca: Annotated[
        Path | None, typer.Option(help="PEM file; clients must show a certificate of this CA.")
    ] = None,
    token_file: Annotated[Path | None, typer.Option(help="Clients must show this token.")] = None,
    allow_insecure: Annotated[
        bool, typer.Option("--allow-insecure", help="Listen beyond this machine without TLS.")
    ] = False,
    require_release: Annotated[
        bool, typer.Option("--require-release", help="Refuse a package not released here.")
    ] = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Serve a package over gRPC until Ctrl-C; every opinion is audited before it leaves."""
    from medclf.config import parse
    from medclf.service.config import ServiceConfig

    config = parse(
        {
            "listen": listen,
            "workers": workers,
            "security": {
                "certificate": tls_certificate,
                "private_key": tls_key,
                "client_ca": client_ca,
                "token_file": token_file,
                "allow_insecure": allow_insecure,
            },
        },
        ServiceConfig,
        where="the command line",
    )

    runs = ""

    def loaded(runtime: str) -> None:
        nonlocal runs
        runs = runtime

    def ready(address: str) -> None:
        if as_json:
            print_json({"listening": address, "runtime": runs})
        else:
            print(f"listening on {address}, {runs}; Ctrl-C stops", flush=True)

    api.serve(
        package,
        config=config,
        require_release=require_release,
        home=home,
        loaded=loaded,
        ready=ready,
    )
    print("stopped; every opinion that was given is in the audit trail.", file=sys.stderr)


def ask(
    images: ImagesArgument,
    server: Annotated[str, typer.Option(help="HOST:PORT.")] = "127.0.0.1:50051",
    tls: Annotated[bool, typer.Option("--tls", help="Encrypt the line.")] = False,
    ca: Annotated[Path | None, typer.Option(help="PEM file of the server's CA.")] = None,
    certificate: Annotated[
        Path | None, typer.Option(help="PEM file, this client's own certificate.")
    ] = None,
    private_key: Annotated[Path | None, typer.Option(help="PEM file, its key.")] = None,
    token_file: Annotated[Path | None, typer.Option(help="The server's token.")] = None,
    allow_insecure: Annotated[
        bool, typer.Option("--allow-insecure", help="Send images in clear beyond this machine.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Ask a server for its opinion of images.

    Exits with 3 when an image was rejected; an abstention is a result like any other.
    """
    from medclf.cli.tables import show_opinion
    from medclf.service.client import ClientConfig

    _check_images(images)
    config = ClientConfig(
        tls=tls or ca is not None,
        ca=ca,
        certificate=certificate,
        private_key=private_key,
        token_file=token_file,
        allow_insecure=allow_insecure,
    )
    rejected = False
    for path, opinion in api.ask(images, server=server, config=config):
        rejected |= opinion.status is Status.REJECTED
        if as_json:
            print_json(opinion.as_json(str(path)))
        else:
            show_opinion(path, opinion)
    if rejected:
        raise typer.Exit(REJECTED_CODE)
