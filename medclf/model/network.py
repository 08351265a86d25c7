"""The whole network: a backbone, a head, and how both are told in a package."""

from typing import Any, Self

import numpy as np
import torch
from pydantic import Field, model_validator
from torch import Tensor, nn

from medclf.config import Config
from medclf.model.backbone import build_backbone, count_features
from medclf.model.ordinal import OrdinalHead
from medclf.model.task import Task


class Architecture(Config):
    """All that is needed to build a network again before its weights are loaded."""

    backbone: str = Field(pattern=r"^[a-z]+/[A-Za-z0-9_.]+$")
    channels: int = Field(ge=1, le=64)
    size: int = Field(ge=32, le=1024)
    classes: int = Field(ge=1, le=1000)
    task: Task = Task.EXCLUSIVE

    @model_validator(mode="after")
    def _labels_compete(self) -> Self:
        if self.classes < 2 and self.task is not Task.FINDINGS:
            raise ValueError("two classes at least, or findings")
        return self


class Network(nn.Module):
    """A backbone with a linear head, or with an ordinal one for grades.

    Calling it gives raw scores before calibration, and the features that the
    novelty check needs.
    """

    def __init__(self, architecture: Architecture, *, dropout: float = 0.0) -> None:
        super().__init__()
        self.architecture = architecture
        self.backbone = build_backbone(
            architecture.backbone, channels=architecture.channels, size=architecture.size
        )
        features = count_features(
            self.backbone,
            channels=architecture.channels,
            size=architecture.size,
            name=architecture.backbone,
        )
        self.dropout = nn.Dropout(dropout)
        build = OrdinalHead if architecture.task is Task.ORDINAL else nn.Linear
        self.head: nn.Linear | OrdinalHead = build(features, architecture.classes)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Map (batch, channels, size, size) float32 to scores and features."""
        features = self.backbone(x)  # (batch, features)
        scores = self.head(self.dropout(features))  # (batch, classes)
        return scores, features

    @torch.no_grad()
    def shift_scores(self, shift: np.ndarray[Any, np.dtype[np.float64]]) -> None:
        """Add a constant to each score for good, such as a correction of the prior.

        Args:
            shift: (classes,) float64, in logits.
        """
        place = self.head.shift if isinstance(self.head, OrdinalHead) else self.head.bias
        place.add_(torch.as_tensor(shift).to(place))
