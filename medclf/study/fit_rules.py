"""Which options of `fit` go together, so that none is passed over in silence."""

from collections.abc import Iterator

from medclf.model.fit_config import FitConfig, Loss, Sampling, Selection, Weighting
from medclf.model.task import Task


def misfits(fit: FitConfig, *, method: str, task: Task) -> Iterator[str]:
    """Yield what is wrong with a choice of options, and what to choose instead.

    Args:
        fit: the options.
        method: `model.method`.
        task: how the labels relate.
    """
    yield from _rebalanced_twice(fit)
    yield from _without_effect(fit)
    if method == "probe":
        yield from _passed_over_by_a_probe(fit)
    if task is Task.FINDINGS and fit.sampling is not Sampling.NATURAL:
        yield (
            f"fit.sampling: {fit.sampling} draws by the one label of a picture, and these have "
            "several findings; take `weighting: balanced` instead"
        )
    if fit.select_by is Selection.KAPPA and task is not Task.ORDINAL:
        yield (
            "fit.select_by: kappa compares grades; say `ordered: true` under `data` if the labels "
            "are grades, else take auc or average_precision"
        )


def _rebalanced_twice(fit: FitConfig) -> Iterator[str]:
    """Each of the three makes up for rare classes alone; two of them make the rare ones common."""
    chosen = [
        *([f"weighting: {fit.weighting}"] if fit.weighting is not Weighting.NONE else []),
        *([f"sampling: {fit.sampling}"] if fit.sampling is not Sampling.NATURAL else []),
        *([f"logit_adjustment: {fit.logit_adjustment:g}"] if fit.logit_adjustment else []),
    ]
    if len(chosen) > 1:
        yield (
            f"fit: {' and '.join(chosen)} each make up for rare classes, together they overdo it; "
            "keep one (`weighting: none`, `sampling: natural` and `logit_adjustment: 0` switch "
            "the others off)"
        )


def _without_effect(fit: FitConfig) -> Iterator[str]:
    usual = FitConfig()
    if fit.loss is not Loss.FOCAL and fit.focal_gamma != usual.focal_gamma:
        yield "fit.focal_gamma does nothing without `loss: focal`"
    if fit.weighting is not Weighting.EFFECTIVE and fit.effective_beta != usual.effective_beta:
        yield "fit.effective_beta does nothing without `weighting: effective`"


def _passed_over_by_a_probe(fit: FitConfig) -> Iterator[str]:
    """A probe is a logistic regression: it knows of class weights and nothing else."""
    unknown = [
        *(["loss"] if fit.loss is not Loss.CROSS_ENTROPY else []),
        *(["sampling"] if fit.sampling is not Sampling.NATURAL else []),
        *(["logit_adjustment"] if fit.logit_adjustment else []),
        *(["smoothing"] if fit.smoothing else []),
        *(["mixup"] if fit.mixup else []),
        *(["weighting: effective"] if fit.weighting is Weighting.EFFECTIVE else []),
    ]
    if unknown:
        yield (
            f"fit: a probe is a logistic regression, without {', '.join(unknown)}; leave that out "
            "or take `method: finetune`"
        )
