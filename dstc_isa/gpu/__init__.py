"""GPU configurations: the parameters of the timing model, each with its unit, range and source."""

from dstc_isa.gpu.loader import DEFAULT_GPU, GpuError, chosen_gpu, gpu_names, is_file, load_gpu, with_settings
from dstc_isa.gpu.schema import Gpu, PipeTiming

__all__ = [
    "DEFAULT_GPU",
    "Gpu",
    "GpuError",
    "PipeTiming",
    "chosen_gpu",
    "gpu_names",
    "is_file",
    "load_gpu",
    "with_settings",
]
