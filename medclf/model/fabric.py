"""Opens Lightning Fabric for the processes and the arithmetic that are there."""

from typing import TYPE_CHECKING, Any

import torch
from torch import distributed

from medclf.errors import ModelMisuse
from medclf.model.fit_config import Precision
from medclf.model.processes import Processes

if TYPE_CHECKING:
    from lightning_fabric import Fabric

_PRECISIONS: dict[Precision, Any] = {
    Precision.FLOAT32: "32-true",
    Precision.BFLOAT16: "bf16-mixed",
    Precision.FLOAT16: "16-mixed",
}


def resolve_precision(wanted: Precision) -> Precision:
    """Turn AUTO into what this machine does best.

    Raises:
        ModelMisuse: float16 is asked for, and there is no GPU.
    """
    if wanted is Precision.FLOAT16 and not torch.cuda.is_available():
        raise ModelMisuse(
            "precision: float16 is for GPUs, and this machine has none.",
            advice="Set `precision: auto`, or `bfloat16` on a processor.",
        )
    if wanted is not Precision.AUTO:
        return wanted
    if torch.cuda.is_available():
        return Precision.BFLOAT16 if torch.cuda.is_bf16_supported() else Precision.FLOAT32
    fast = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    return Precision.BFLOAT16 if fast else Precision.FLOAT32


def open_fabric(precision: Precision, processes: Processes) -> "Fabric":
    """Return a Fabric on this process's device, joined to the others.

    Raises:
        ModelMisuse: the machine cannot compute in this precision.
    """
    from lightning_fabric import Fabric
    from lightning_fabric.plugins.environments.cluster_environment import ClusterEnvironment
    from lightning_fabric.strategies.ddp import DDPStrategy

    arithmetic = _PRECISIONS[resolve_precision(precision)]
    if processes.count == 1:
        return Fabric(devices=1, precision=arithmetic)

    class Met(ClusterEnvironment):
        """Processes that torch.distributed knows already."""

        creates_processes_externally = True
        main_address, main_port = "", 0

        @staticmethod
        def detect() -> bool:
            return False

        def world_size(self) -> int:
            return processes.count

        def set_world_size(self, size: int) -> None:
            pass

        def global_rank(self) -> int:
            return processes.rank

        def set_global_rank(self, rank: int) -> None:
            pass

        def local_rank(self) -> int:
            return int(distributed.get_node_local_rank())

        def node_rank(self) -> int:
            return 0

    # Frozen statistics need no exchange, and joint ones are alike in every process anyway.
    strategy = DDPStrategy(cluster_environment=Met(), forward_sync_buffers=False)
    devices = torch.cuda.device_count() or Met().local_rank() + 1
    fabric = Fabric(strategy=strategy, devices=devices, precision=arithmetic)
    fabric.launch()
    return fabric
