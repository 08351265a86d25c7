"""The demonstration's films as a researcher has theirs: PNG files in class folders, and a table."""

import csv
import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from medclf.demonstration.cast import NO_OPACITY, OPACITY, Phantom, draw_cast
from medclf.demonstration.film import draw_film
from medclf.demonstration.phantoms import COMMENT
from medclf.durable import new_folder
from medclf.errors import StudyMisuse

TABLE = "labels.csv"
COLUMNS = ("path", "label", "patient_id", "site", "sex", "age")


def write_pictures(
    folder: Path,
    *,
    count: int,
    generator: np.random.Generator,
    progress: Callable[[int, int], None],
) -> Path:
    """Make films and write them as grey PNG files, a folder a label, with a labels table beside.

    The folder appears when it is complete. The same state of `generator` gives the same films.

    Args:
        folder: to be made; an earlier folder of these pictures there is replaced.
        count: of films, 1 to 9999.
        generator: source of all randomness.
        progress: told (films written, films in all).

    Returns:
        The table: path (relative to it), label, patient_id, site, sex, age.

    Raises:
        StudyMisuse: `count` is out of range, or `folder` holds something else.
        OSError: the folder cannot be written; nothing is left behind.
    """
    if not 1 <= count <= 9999:
        raise StudyMisuse(f"{count} phantoms were asked for; 1 to 9999 can be made.", count=count)
    _check_free(folder)
    text = io.StringIO(newline="")
    table = csv.writer(text, lineterminator="\n")
    table.writerow(COLUMNS)
    with new_folder(folder) as part:
        for done, phantom in enumerate(draw_cast(count, generator), start=1):
            path = f"{phantom.label}/{phantom.patient_id}-film-{phantom.visit}.png"
            (part / phantom.label).mkdir(exist_ok=True)
            film = draw_film(phantom, np.random.default_rng(phantom.seed))
            _as_picture(film, phantom).save(part / path, pnginfo=_told())
            table.writerow(
                (
                    path,
                    phantom.label,
                    phantom.patient_id,
                    phantom.site,
                    phantom.sex,
                    phantom.age_years,
                )
            )
            progress(done, count)
        (part / TABLE).write_text(text.getvalue(), encoding="utf-8", newline="")
    return folder / TABLE


def _check_free(folder: Path) -> None:
    """Refuse to replace a folder that does not hold these pictures alone."""
    if not folder.exists():
        return
    ours = {TABLE, OPACITY, NO_OPACITY}
    if (
        not folder.is_dir()
        or any(entry.name not in ours for entry in folder.iterdir())
        or any(not file.name.startswith("PHANTOM-") for file in folder.glob("*/*"))
    ):
        raise StudyMisuse(
            f"{folder} exists and holds other things than made-up pictures.",
            advice="Name a folder that does not exist yet.",
            path=str(folder),
        )


def _as_picture(film: NDArray[np.uint16], phantom: Phantom) -> Image.Image:
    """Return the film as its device would show it, in 256 greys."""
    centre, width = phantom.device.window
    shown = (film.astype(np.float32) - np.float32(centre)) / np.float32(width) + np.float32(0.5)
    return Image.fromarray(np.round(255 * np.clip(shown, 0, 1)).astype(np.uint8))


def _told() -> PngInfo:
    """Return what the file says of itself to whoever finds it later."""
    info = PngInfo()
    info.add_text("Comment", COMMENT)
    return info
