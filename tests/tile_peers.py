"""What other programs make of the questions that tests/tile.rs asks.

usage: tile_peers.py otsu|coverage QUESTION.json
       tile_peers.py regions|resampled QUESTION.json SLIDE FOLDER
"""

import json
import sys
import warnings
from pathlib import Path

import numpy as np


def otsu(cases):
    from skimage.filters import threshold_otsu

    for case in cases:
        histogram = np.array(case["histogram"], dtype=np.float64)
        values = np.flatnonzero(histogram)
        if len(values) < 2:
            assert case["threshold"] is None, case
            continue
        # Empty ends would make scikit-image divide by zero.
        used = np.arange(values[0], values[-1] + 1)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            peer = threshold_otsu(hist=(histogram[used], used))
        assert peer == case["threshold"], (peer, case)
    print(f"scikit-image: {len(cases)} thresholds agree")


def coverage(cases):
    worst = 0.0
    for case in cases:
        width, height = case["width"], case["height"]
        mask = np.array(case["bits"], dtype=np.float64).reshape(height, width)
        (sx, sy), (wide, high) = case["scale"], case["size"]

        def overlap(count, scale, size, begin, length):
            left = np.arange(count) * scale
            right = np.minimum(left + scale, size)
            return np.clip(np.minimum(right, begin + length) - np.maximum(left, begin), 0, None)

        for x, w, y, h, ours in case["places"]:
            peer = overlap(height, sy, high, y, h) @ mask @ overlap(width, sx, wide, x, w) / (w * h)
            worst = max(worst, abs(peer - ours))
    assert worst < 1e-9, worst
    print(f"numpy: coverage differs by at most {worst:.1e}")


def level_0(slide):
    rgba = slide.read_region((0, 0), 0, slide.level_dimensions[0])
    from PIL import Image

    white = Image.new("RGBA", rgba.size, "white")
    return Image.alpha_composite(white, rgba).convert("RGB")


def compare(question, slide, folder, most, mean, make):
    import openslide
    from PIL import Image

    whole = level_0(openslide.OpenSlide(slide))
    worst, total, count = 0, 0, 0
    for patch in question:
        ours = np.asarray(Image.open(Path(folder) / patch["name"])).astype(int)
        peer = np.asarray(make(whole, patch["facts"], ours.shape)).astype(int)
        assert ours.shape == peer.shape, (ours.shape, peer.shape)
        difference = np.abs(ours - peer)
        worst = max(worst, int(difference.max()))
        total, count = total + int(difference.sum()), count + difference.size
    print(f"{Path(slide).name}: {len(question)} patches, at most {worst}, mean {total / count:.4f}")
    assert worst <= most and total <= mean * count


def regions(question, slide, folder):
    """Two grey levels: another JPEG decoder may round otherwise."""

    def make(whole, facts, shape):
        x, y = int(facts["x_px"]), int(facts["y_px"])
        return whole.crop((x, y, x + shape[1], y + shape[0]))

    compare(question, slide, folder, 2, 0.1, make)


def resampled(question, slide, folder):
    """Pillow's bicubic is the same cubic. It filters along x first and keeps 8 bits in between, we
    along y: it is given the slide on its side, so that what is cut off at 0 and 255 in between is
    the same. What is left is rounding: one grey level at most, a hundredth on average."""
    from PIL import Image

    sides = {}

    def make(whole, facts, shape):
        if "aside" not in sides:
            sides["aside"] = whole.transpose(Image.Transpose.TRANSPOSE)
        x, y, w, h = (facts[name] for name in ("x_px", "y_px", "w_px", "h_px"))
        size, box = (shape[0], shape[1]), (y, x, y + h, x + w)
        made = sides["aside"].resize(size, Image.Resampling.BICUBIC, box)
        return made.transpose(Image.Transpose.TRANSPOSE)

    compare(question, slide, folder, 1, 0.01, make)


if __name__ == "__main__":
    mode, question, *rest = sys.argv[1:]
    {"otsu": otsu, "coverage": coverage, "regions": regions, "resampled": resampled}[mode](
        json.loads(Path(question).read_text()), *rest
    )
