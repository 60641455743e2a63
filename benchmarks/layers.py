"""Cycles of the sparse and the dense convolution on 3x3 layers: ``python benchmarks/layers.py [IMAGES ...]``.

``--kernel``: another sparse kernel, spconv_ohmma.

Cycles are deterministic; this is about the modelled machine and not about the emulator's speed.
"""

import argparse

import numpy as np

from dstc_isa.conv.conv2d import conv2d
from dstc_isa.conv.dense.conv_dense import conv_dense

LAYERS = ((64, 56), (128, 28), (256, 14), (512, 7))
DENSITIES = ((1.0, 1.0), (0.6, 0.3), (0.5, 0.25), (0.4, 0.2))


def random_array(shape: tuple[int, ...], density: float, seed: int) -> np.ndarray:
    generator = np.random.default_rng(seed)
    values = generator.standard_normal(shape).astype(np.float16)
    return np.where(generator.random(shape) < density, values, np.float16(0))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("images", nargs="*", type=int, default=[1, 8, 16])
    parser.add_argument("--kernel", choices=("spconv", "spconv_ohmma"), default="spconv")
    options = parser.parse_args()
    print(
        "| images | layer | dense | density of x, w | sparse | speed-up | encoding | with it "
        "| result encoded | bound by | reached |"
    )
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    for images in options.images:
        for channels, size in LAYERS:
            x_shape, w_shape = (images, channels, size, size), (channels, channels, 3, 3)
            dense = conv_dense(np.ones(x_shape, np.float16), np.ones(w_shape, np.float16), padding=1).run.timing.cycles
            for density_x, density_w in DENSITIES:
                x, w = random_array(x_shape, density_x, 0), random_array(w_shape, density_w, 1)
                result = conv2d(x, w, padding=1, kernel=options.kernel)
                timing = result.run.timing
                encoding = result.cycles - timing.cycles
                encoded = ""
                if options.kernel == "spconv":
                    encoded = f"{conv2d(x, w, padding=1, relu=True, encoded=True).run.timing.cycles:,}"
                print(
                    f"| {images} | {channels}x{size}x{size} | {dense:,} | {density_x:g}, {density_w:g} "
                    f"| {timing.cycles:,} | {dense / timing.cycles:.2f} | {encoding:,} | {dense / result.cycles:.2f} "
                    f"| {encoded} | {timing.bound.resource} | {timing.bound.cycles / timing.cycles:.0%} |",
                    flush=True,
                )


if __name__ == "__main__":
    main()
