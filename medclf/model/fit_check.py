"""Refuses what cannot be fitted as it is asked for, before any picture is read."""

import torch

from medclf.errors import ModelMisuse
from medclf.model.fabric import resolve_precision
from medclf.model.fit_config import FitConfig
from medclf.model.network import Network
from medclf.model.noise import noisy
from medclf.model.norms import require_joint_norms
from medclf.model.processes import Processes
from medclf.model.task import Task


def check_fit(
    network: Network, config: FitConfig, processes: Processes, *, gradual: bool = False
) -> None:
    """Check that a configuration can be carried out as it stands.

    Raises:
        ModelMisuse: a key asks for what the network, the task, the device or the processes
            do not have; the advice says which.
    """
    resolve_precision(config.precision)
    require_joint_norms(network, processes, freeze_norms=config.freeze_norms)
    with noisy(network, drop_path=config.drop_path):
        pass  # a backbone without stochastic depth is refused
    task = network.architecture.task
    if config.mixup and task is not Task.EXCLUSIVE:
        raise ModelMisuse(
            f"mixup mixes one label with another; {task} labels have no such mean.",
            advice="Set `mixup: 0`.",
            task=task.value,
        )
    shares = config.accumulate * processes.count
    if config.batch % shares:
        raise ModelMisuse(
            f"A batch of {config.batch} cannot be shared out evenly among {processes.count} "
            f"processes and {config.accumulate} passes.",
            advice=f"Make `batch` a multiple of {shares}.",
            batch=config.batch,
        )
    if gradual and config.epochs < 2:
        raise ModelMisuse(
            "Gradual unfreezing in one epoch would train the head alone.",
            advice="Set `epochs` to 2 or more, or `method: finetune`.",
        )
    if config.compile and not _can_compile():
        raise ModelMisuse(
            "torch.compile finds no C++ compiler here.",
            advice="Set `compile: false`, or install g++.",
        )


def check_cases(config: FitConfig, processes: Processes, cases: int) -> None:
    """Check that every process has a case in every pass.

    Raises:
        ModelMisuse: the train part is too small to be shared out.
    """
    shares = config.accumulate * processes.count
    if cases < shares:
        raise ModelMisuse(
            f"The train part holds {cases} cases; {processes.count} processes and "
            f"{config.accumulate} passes a step need {shares}.",
            advice="Lower `accumulate`, or train in fewer processes.",
            cases=cases,
        )


def _can_compile() -> bool:
    if torch.cuda.is_available():
        return True  # Triton brings its own
    from torch._inductor.cpp_builder import get_cpp_compiler
    from torch._inductor.exc import InvalidCxxCompiler

    try:
        return bool(get_cpp_compiler())
    except InvalidCxxCompiler:
        return False
