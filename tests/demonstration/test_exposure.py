import numpy as np
import pytest

from medclf.demonstration.exposure import DEVICES, develop
from medclf.demonstration.frame import Frame


@pytest.mark.parametrize("device", DEVICES, ids=lambda device: device.model)
def test_denser_is_brighter_and_within_range(device) -> None:
    frame = Frame(device.rows, device.columns, pixels_per_cm=9.5, left_cm=-17, top_cm=-4)
    ramp = np.linspace(1.5, 5.0, device.columns, dtype=np.float32)
    depth = np.repeat(ramp[None, :], device.rows, axis=0)
    tone = develop(depth, frame, device, np.random.default_rng(0), dose=1.0)
    assert tone.min() >= 0
    assert tone.max() <= 1
    columns = tone.mean(axis=0)[20:-20:20]
    assert np.all(np.diff(columns) >= -0.01)
    assert columns[-1] - columns[0] > 0.5


@pytest.mark.parametrize("device", DEVICES, ids=lambda device: device.model)
def test_less_dose_gives_more_noise(device) -> None:
    frame = Frame(device.rows, device.columns, pixels_per_cm=9.5, left_cm=-17, top_cm=-4)
    ramp = np.linspace(1.5, 5.0, device.rows, dtype=np.float32)
    depth = np.repeat(ramp[:, None], device.columns, axis=1)

    def noise(dose: float) -> float:
        tone = develop(depth, frame, device, np.random.default_rng(0), dose=dose)
        return float(tone[device.rows // 2].std())

    assert noise(0.25) > 1.5 * noise(1.0)


def test_devices_differ_in_polarity_size_and_window() -> None:
    first, second = DEVICES
    assert first.inverted != second.inverted
    assert (first.rows, first.columns) != (second.rows, second.columns)
    assert first.window != second.window
