"""How a network is fitted: what `study.yaml` says under `fit`."""

from enum import StrEnum

from pydantic import Field

from medclf.config import Config


class Precision(StrEnum):
    """Arithmetic of the training passes; inference is always float32."""

    AUTO = "auto"  # bf16 where the processor has instructions for it
    FLOAT32 = "float32"
    BFLOAT16 = "bfloat16"
    FLOAT16 = "float16"  # with loss scaling; GPUs only


class Loss(StrEnum):
    """What is minimised, before any weighting."""

    CROSS_ENTROPY = "cross_entropy"
    FOCAL = "focal"


class Weighting(StrEnum):
    """How classes are weighed in the loss."""

    NONE = "none"
    BALANCED = "balanced"  # inverse frequency, mean one
    EFFECTIVE = "effective"  # inverse effective number of cases


class Sampling(StrEnum):
    """How often the cases of a class are drawn in an epoch."""

    NATURAL = "natural"  # each case once
    BALANCED = "balanced"  # every class as often as any other
    SQUARE_ROOT = "square_root"  # in proportion to the square root of its cases


class Selection(StrEnum):
    """By what figure on the tune part the epoch is chosen; accuracy is not among them."""

    AUC = "auc"  # macro, one against the rest
    AVERAGE_PRECISION = "average_precision"  # macro
    KAPPA = "kappa"  # quadratic, of grades


class FitConfig(Config):
    """How a network is fitted. The defaults suit a few hundred to a few thousand pictures.

    Attributes:
        batch: pictures of one optimiser step, over all processes and accumulated passes.
        accumulate: passes that make up one step.
        layer_decay: factor of the learning rate from each block to the one before it; 1 trains
            all blocks at one rate.
        warmup: part of all steps.
        clip: largest norm of the gradient; 0 does not clip.
        dropout: before the head.
        drop_path: stochastic depth of the last block, where the backbone has it.
        mixup: alpha of the beta distribution; 0 mixes nothing.
        smoothing: of the labels.
        averaging: decay of the weights' mean; 0 keeps the last weights.
        focal_gamma: exponent of the focal loss.
        effective_beta: of the effective number of cases.
        logit_adjustment: tau; scores get tau · log prior while training, 0 adjusts nothing.
        freeze_norms: keep batch normalisation as pretrained.
        unfreeze: of `method: gradual`: part of the epochs after which all blocks train.
        patience: epochs without a better figure on the tune part.
        select_by: figure on the tune part that chooses the epoch.
        compile: `torch.compile`; pays off in long runs on a GPU.
        deterministic: refuse arithmetic that does not repeat itself to the last bit.
    """

    epochs: int = Field(default=5, ge=1, le=500)
    batch: int = Field(default=32, ge=2, le=4096)
    accumulate: int = Field(default=1, ge=1, le=256)
    learning_rate: float = Field(default=3e-4, gt=0, le=1)
    layer_decay: float = Field(default=1.0, gt=0, le=1)
    weight_decay: float = Field(default=0.02, ge=0, le=10)
    warmup: float = Field(default=0.15, ge=0, lt=1)
    clip: float = Field(default=1.0, ge=0, le=1000)
    dropout: float = Field(default=0.2, ge=0, lt=1)
    drop_path: float = Field(default=0.0, ge=0, lt=1)
    mixup: float = Field(default=0.0, ge=0, le=10)
    smoothing: float = Field(default=0.0, ge=0, lt=0.5)
    averaging: float = Field(default=0.98, ge=0, lt=1)
    loss: Loss = Loss.CROSS_ENTROPY
    focal_gamma: float = Field(default=2.0, ge=0, le=10)
    weighting: Weighting = Weighting.BALANCED
    effective_beta: float = Field(default=0.999, ge=0, lt=1)
    sampling: Sampling = Sampling.NATURAL
    logit_adjustment: float = Field(default=0.0, ge=0, le=4)
    freeze_norms: bool = True
    unfreeze: float = Field(default=0.5, gt=0, le=1)
    patience: int = Field(default=10, ge=1)
    select_by: Selection = Selection.AUC
    precision: Precision = Precision.AUTO
    compile: bool = False
    deterministic: bool = True
