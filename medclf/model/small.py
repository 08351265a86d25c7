"""Small networks that learn from nothing, where no pretrained weights are to be had."""

import torch
from torch import nn


class LeNet5(nn.Module):
    """LeCun's LeNet-5 with ReLU, batch normalisation and max pooling, for any input size.

    Source: LeCun et al., Gradient-based learning applied to document recognition,
    Proc. IEEE 86(11), 1998. The last pooling adapts, so that 32 px gives the original
    5 × 5 map and larger pictures are averaged down to it.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.maps = nn.Sequential(
            nn.Conv2d(channels, 16, 5, padding=2),
            nn.BatchNorm2d(16),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(16, 32, 5, padding=2),
            nn.BatchNorm2d(32),
            nn.ReLU(),
            nn.AdaptiveMaxPool2d(5),
        )
        self.dense = nn.Sequential(nn.Linear(32 * 25, 120), nn.ReLU(), nn.Linear(120, 84))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map pictures to features."""
        x = self.maps(x)  # (batch, 32, 5, 5)
        features: torch.Tensor = self.dense(x.flatten(1))  # (batch, 84)
        return features


class SpotNet(nn.Module):
    """Six convolutions and a global maximum, for a small finding anywhere in the picture.

    The maximum over places (Oquab et al., Is object localization for free?, CVPR 2015)
    lets a few dozen positive pictures suffice, because one bright answer decides.
    """

    _WIDTHS = ((16, 2), (24, 1), (32, 2), (48, 1), (64, 2), (64, 1))  # channels, stride

    def __init__(self, channels: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        before = channels
        for width, stride in self._WIDTHS:
            layers.append(nn.Conv2d(before, width, 3, stride=stride, bias=False))
            layers += [nn.BatchNorm2d(width), nn.ReLU()]
            before = width
        self.maps = nn.Sequential(*layers)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map pictures to features."""
        x = self.maps(x)  # (batch, 64, h, w)
        return x.amax(dim=(2, 3))  # (batch, 64)
