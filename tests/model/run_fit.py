"""Fits a small network in a process of its own, which a test may kill or start several times.

`python run_fit.py FOLDER [key=value …]` writes FOLDER/weights.safetensors and FOLDER/history.json;
it prints the number of each step. `die=N` ends the process without warning when the Nth checkpoint
is about to take its place.
"""

import json
import os
import signal
import sys
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch

from medclf.model.fit import finetune
from medclf.model.fit_config import FitConfig
from medclf.model.network import Architecture, Network
from medclf.model.part import Part
from medclf.model.processes import Processes, launched_together, meet, part
from medclf.model.runtime import dump_weights

PLAIN = {
    "precision": "float32",
    "epochs": 4,
    "batch": 16,
    "learning_rate": 2e-3,
    "freeze_norms": False,
}


def made_up(n: int = 160) -> tuple[np.ndarray, np.ndarray]:
    """Bright squares in one corner or the other, on noise."""
    generator = np.random.default_rng(0)
    array = generator.integers(0, 120, (n, 32, 32), dtype=np.uint8)
    truth = np.arange(n, dtype=np.int64) % 2
    array[truth == 1, 2:10, 2:10] += 40
    array[truth == 0, 20:28, 20:28] += 40
    return array, truth


def normalise(batch):
    return torch.as_tensor(np.asarray(batch)).float().unsqueeze(1) / 127.5 - 1


def noisy(batch, generator):
    x = normalise(batch)
    drawn = torch.rand((int(generator.places.max()) + 1, *x.shape[1:]), generator=generator)
    return x + 0.2 * (drawn[generator.places] - 0.5)


def fit(folder: Path, *, backbone="medclf/lenet5", gradual=False, on_step=print, **keys: object):
    array, truth = made_up()
    torch.manual_seed(Processes.here().rank)  # the first process's weights count
    architecture = Architecture(backbone=backbone, channels=1, size=32, classes=2)
    config = FitConfig(**{**PLAIN, **keys})
    network = Network(architecture, dropout=config.dropout)
    rows = np.arange(len(truth), dtype=np.int64)
    fitted = finetune(
        network,
        array,
        train=Part(rows[:80], truth[:80]),
        tune=Part(rows[80:], truth[80:]),
        config=config,
        seed=3,
        normalise=normalise,
        augmented=noisy,
        checkpoint=folder / "c.pt",
        identity="run",
        gradual=gradual,
        on_step=on_step,
    )
    return network, fitted


def die_at_checkpoint(number: int) -> None:
    """Send SIGKILL to this process when a file is about to be renamed for the nth time."""
    seen = 0

    def watch(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal seen
        if event == "os.rename" and str(arguments[1]).endswith("c.pt"):
            seen += 1
            if seen == number:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(watch)


def main() -> None:
    folder, keys = Path(sys.argv[1]), dict(word.split("=") for word in sys.argv[2:])
    if "die" in keys:
        die_at_checkpoint(int(keys.pop("die")))
    processes = meet() if launched_together() else Processes.here()
    gradual = keys.pop("method", "") == "gradual"
    network, fitted = fit(
        folder,
        gradual=gradual,
        on_step=lambda step: os.write(1, b"%d\n" % step.done),
        **keys,
    )
    if processes.first:
        (folder / "weights.safetensors").write_bytes(dump_weights(network))
        history = [asdict(epoch) for epoch in fitted.history]
        (folder / "history.json").write_text(json.dumps(history))
    weights = processes.gathered(dump_weights(network))
    if len(set(weights)) > 1:
        raise SystemExit("the processes hold different weights")
    network = fitted = None
    part()
    if any(name.startswith(("gloo", "pt_gloo")) for name in names_of_threads()):
        raise SystemExit("threads of the processes' exchange outlive it, and may abort the end")


def names_of_threads() -> list[str]:
    """Of those that the kernel knows; none where it keeps no such list."""
    return [file.read_text() for file in Path("/proc/self/task").glob("*/comm")]


if __name__ == "__main__":
    main()
