"""The head for grades: one latent severity, and ordered cut points that divide it.

The proportional odds model (McCullagh 1980, Regression models for ordinal data, Journal of
the Royal Statistical Society B 42:109): P(grade <= k) = sigmoid(c_k - z), with z linear in the
features and c_0 < c_1 < … . A grade can so never be skipped: what raises the probability of
the highest one takes from the lowest first.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional


def grade_log_probabilities(severity: Tensor, first: Tensor, gaps: Tensor) -> Tensor:
    """Return the logarithm of the probability of each grade, without a difference of sigmoids.

    With a > b, sigmoid(a) - sigmoid(b) = sigmoid(a) · sigmoid(-b) · (1 - exp(b - a)), and for
    a - b = softplus(g) the last factor is sigmoid(g). So each logarithm is a sum of
    logarithms of sigmoids, exact in float32 however far out the severity lies.

    Args:
        severity: (batch,) z, in logits.
        first: (1,) c_0, in logits.
        gaps: (grades - 2,) g; softplus of each is the step to the next cut point.

    Returns:
        (batch, grades), at most 0; exp of a row adds up to 1.

    >>> z, first, gaps = torch.tensor([0.0]), torch.tensor([0.0]), torch.tensor([0.0])
    >>> [round(p, 4) for p in grade_log_probabilities(z, first, gaps).exp()[0].tolist()]
    [0.5, 0.1667, 0.3333]
    """
    cuts = torch.cat([first, first + functional.softplus(gaps).cumsum(0)])  # (grades - 1,)
    distance = cuts - severity[:, None]  # (batch, grades - 1)
    below = functional.logsigmoid(distance)  # log P(grade <= k)
    above = functional.logsigmoid(-distance)  # log P(grade > k)
    between = below[:, 1:] + above[:, :-1] + functional.logsigmoid(gaps)  # (batch, grades - 2)
    return torch.cat([below[:, :1], between, above[:, -1:]], dim=1)


class OrdinalHead(nn.Module):
    """Features to class log-probabilities of grades, in float32 under any autocast.

    Attributes:
        in_features: width of the features.
        out_features: how many grades.
        weight: (1, features), of the severity.
        first: (1,), the lowest cut point.
        gaps: (grades - 2,), softplus of each is the step to the next cut point.
        shift: (grades,), added to the log-probabilities; what a prior correction leaves.
    """

    shift: Tensor

    def __init__(self, in_features: int, out_features: int) -> None:
        super().__init__()
        self.in_features, self.out_features = in_features, out_features
        bound = in_features**-0.5  # as of nn.Linear
        self.weight = nn.Parameter(torch.empty(1, in_features).uniform_(-bound, bound))
        shares = torch.arange(1, out_features, dtype=torch.float64) / out_features
        cuts = torch.logit(shares)  # grades equally probable at a severity of 0
        self.first = nn.Parameter(cuts[:1].float())
        self.gaps = nn.Parameter(torch.log(torch.expm1(cuts.diff())).float())  # softplus undone
        self.register_buffer("shift", torch.zeros(out_features))

    def forward(self, features: Tensor) -> Tensor:
        """Map (batch, features) of any float type to (batch, grades) float32."""
        # A product and a sum, not a matrix product: autocast leaves their type alone.
        severity = (features.float() * self.weight).sum(dim=1)  # (batch,)
        logs = grade_log_probabilities(severity, self.first, self.gaps)  # (batch, grades)
        return functional.log_softmax(logs + self.shift, dim=1)
