"""Prints name<TAB>peer<TAB>images per second of other programs for the rows of geom.rs: one thread,
the best of many calls. Peers that are not installed are left out."""

import sys
import time

import numpy as np


def picture(side):
    y, x = np.mgrid[0:side, 0:side]
    return np.stack([(x * 7 + y * 3) % 256, (x ^ y) % 256, (x * y // 64) % 256], -1).astype(np.uint8)


def rate(work, seconds=0.6):
    work()
    best, end = float("inf"), time.perf_counter() + seconds
    while time.perf_counter() < end:
        start = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - start)
    return 1 / best


def row(name, peer, work):
    if len(sys.argv) > 1 and not any(a in name + peer for a in sys.argv[1:]):
        return
    print(f"{name}\t{peer}\t{rate(work):.0f}", flush=True)


photo, large = picture(512), picture(1024)
side = 512
c = (side - 1) / 2
a = np.deg2rad(17)
forth = 1.1 * np.array([[np.cos(a), np.sin(a)], [-np.sin(a), np.cos(a)]])
back = np.linalg.inv(forth)
motion = np.hstack([back, (np.array([c, c]) - back @ [c, c])[:, None]])
last = side - 1.0
to = np.float32([(0, 0), (last, 0), (last, last), (0, last)])
origin = np.float32([(20, 30), (last - 10, 5), (last - 40, last - 20), (15, last - 35)])

try:
    import cv2

    cv2.setNumThreads(1)
    inverse = cv2.WARP_INVERSE_MAP
    tilt = cv2.getPerspectiveTransform(to, origin)
    row("flip-horizontal", "opencv", lambda: cv2.flip(photo, 1))
    row("flip-vertical", "opencv", lambda: cv2.flip(photo, 0))
    row("rotate-90", "opencv", lambda: cv2.rotate(photo, cv2.ROTATE_90_COUNTERCLOCKWISE))
    row("rotate-180", "opencv", lambda: cv2.rotate(photo, cv2.ROTATE_180))
    row("transpose", "opencv", lambda: cv2.transpose(photo))
    row("pad-reflect", "opencv", lambda: cv2.copyMakeBorder(photo, 32, 32, 32, 32, cv2.BORDER_REFLECT_101))
    row("resize-1024-256-box", "opencv area", lambda: cv2.resize(large, (256, 256), interpolation=cv2.INTER_AREA))
    row("affine-bilinear", "opencv", lambda: cv2.warpAffine(photo, motion, (side, side), flags=cv2.INTER_LINEAR | inverse))
    row("affine-nearest", "opencv", lambda: cv2.warpAffine(photo, motion, (side, side), flags=cv2.INTER_NEAREST | inverse))
    row("perspective-bilinear", "opencv", lambda: cv2.warpPerspective(photo, tilt, (side, side), flags=cv2.INTER_LINEAR | inverse))
    rng = np.random.default_rng(1)

    def field(sigma):
        return cv2.GaussianBlur((rng.random((side, side), np.float32) * 2 - 1), (0, 0), sigma) * np.float32(60)

    def maps(sigma):
        y, x = np.mgrid[0:side, 0:side].astype(np.float32)
        return x + field(sigma), y + field(sigma)

    mx, my = maps(6)
    row("remap-bilinear", "opencv", lambda: cv2.remap(photo, mx, my, cv2.INTER_LINEAR))
    for sigma in (6, 50):
        row(f"elastic-sigma-{sigma}", "opencv", lambda: cv2.remap(photo, *maps(sigma), cv2.INTER_LINEAR))
except ImportError:
    pass

try:
    import torch
    from torchvision.transforms.v2 import functional as F

    torch.set_num_threads(1)
    planes = torch.from_numpy(photo).permute(2, 0, 1).contiguous()
    wide = torch.from_numpy(large).permute(2, 0, 1).contiguous()
    # Torchvision is fastest on interleaved pixels for resize, on planes for flips.
    wide_last = torch.from_numpy(large).permute(2, 0, 1)
    row("flip-horizontal", "torchvision", lambda: F.horizontal_flip(planes))
    row("flip-vertical", "torchvision", lambda: F.vertical_flip(planes))
    row("rotate-90", "torchvision", lambda: torch.rot90(planes, 1, (1, 2)).contiguous())
    for name, image in (("planes", wide), ("interleaved", wide_last)):
        for mode in (F.InterpolationMode.BILINEAR, F.InterpolationMode.BICUBIC):
            filter = "bilinear" if mode == F.InterpolationMode.BILINEAR else "catmull-rom"
            row(f"resize-1024-256-{filter}", f"torchvision {name}", lambda: F.resize(image, [256, 256], mode, antialias=True))
except ImportError:
    pass

try:
    from PIL import Image

    p, q = Image.fromarray(photo), Image.fromarray(large)
    row("flip-horizontal", "pillow", lambda: p.transpose(Image.FLIP_LEFT_RIGHT))
    row("flip-vertical", "pillow", lambda: p.transpose(Image.FLIP_TOP_BOTTOM))
    row("rotate-90", "pillow", lambda: p.transpose(Image.ROTATE_90))
    row("rotate-180", "pillow", lambda: p.transpose(Image.ROTATE_180))
    row("transpose", "pillow", lambda: p.transpose(Image.TRANSPOSE))
    for filter, code in (("box", Image.BOX), ("bilinear", Image.BILINEAR), ("catmull-rom", Image.BICUBIC), ("lanczos3", Image.LANCZOS)):
        row(f"resize-1024-256-{filter}", "pillow", lambda: q.resize((256, 256), code))
    row("pillow-1024-256-bilinear", "pillow", lambda: q.resize((256, 256), Image.BILINEAR))
    row("pillow-1024-256-lanczos3", "pillow", lambda: q.resize((256, 256), Image.LANCZOS))
except ImportError:
    pass

try:
    import pyvips

    # The number of threads is set from outside: VIPS_CONCURRENCY=1.
    v = pyvips.Image.new_from_array(large)
    pyvips.cache_set_max(0)
    for filter, kernel in (("bilinear", "linear"), ("lanczos3", "lanczos3")):
        row(f"resize-1024-256-{filter}", "libvips resize", lambda: v.resize(0.25, kernel=kernel, gap=0).write_to_memory())
        # Its default reduces by whole steps with a box before the kernel.
        row(f"resize-1024-256-{filter}", "libvips resize, gap 2", lambda: v.resize(0.25, kernel=kernel).write_to_memory())
    row("resize-1024-256-lanczos3", "libvips thumbnail", lambda: v.thumbnail_image(256).write_to_memory())
except Exception as error:  # An import without its library raises what it likes.
    print(f"libvips is left out: {error}", file=sys.stderr)

try:
    import albumentations as A

    for sigma in (6, 50):
        for approximate in (False, True):
            e = A.ElasticTransform(alpha=60, sigma=sigma, approximate=approximate, p=1)
            what = "albumentations approximate" if approximate else "albumentations"
            row(f"elastic-sigma-{sigma}", what, lambda: e(image=photo))
    g = A.GridDistortion(num_steps=5, distort_limit=0.2, p=1)
    row("grid-distortion", "albumentations", lambda: g(image=photo))
except ImportError:
    pass
