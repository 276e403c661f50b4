"""Prints name<TAB>peer<TAB>images per second of other programs for the rows of decode.rs: one thread,
the best of many calls. Peers that are not installed are left out."""

import io
import sys
import time

import numpy as np


def photo(side=512):
    y, x = np.mgrid[0:side, 0:side]
    edge = np.where((x // 96 + y // 64) % 2 == 0, 60, 0)
    shades = np.stack([x // 4, y // 4, (x + y) // 8], -1)
    grain = np.empty(side * side * 3, np.uint32)
    state = 1
    for i in range(grain.size):
        state = (state * 1664525 + 1013904223) & 0xFFFFFFFF
        grain[i] = state >> 29
    return (40 + shades + edge[..., None] + grain.reshape(side, side, 3)).astype(np.uint8)


def rate(work, seconds=1.0):
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


picture = photo()
floats = picture.astype(np.float32) / 255

try:
    import cv2

    cv2.setNumThreads(1)
    bgr = picture[..., ::-1].copy()
    jpeg = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, 90])[1]
    png = cv2.imencode(".png", bgr)[1]
    row("jpeg decode", "OpenCV", lambda: cv2.imdecode(jpeg, cv2.IMREAD_COLOR))
    row("png encode", "OpenCV", lambda: cv2.imencode(".png", bgr))
    row("png decode", "OpenCV", lambda: cv2.imdecode(png, cv2.IMREAD_COLOR))
    print(f"# PNG of OpenCV: {len(png)} bytes", file=sys.stderr)
except ImportError:
    pass

try:
    from PIL import Image

    image = Image.fromarray(picture)

    def written(**how):
        file = io.BytesIO()
        image.save(file, **how)
        return file.getvalue()

    def read(data):
        return np.asarray(Image.open(io.BytesIO(data)))

    jpeg_bytes, png_bytes = written(format="JPEG", quality=90), written(format="PNG")
    row("jpeg decode", "Pillow", lambda: read(jpeg_bytes))
    row("png encode", "Pillow", lambda: written(format="PNG"))
    row("png encode", "Pillow, level 1", lambda: written(format="PNG", compress_level=1))
    row("png decode", "Pillow", lambda: read(png_bytes))
except ImportError:
    pass

try:
    import torch
    import torchvision.io as tio

    torch.set_num_threads(1)
    chw = torch.from_numpy(picture).permute(2, 0, 1).contiguous()
    jpeg_tensor, png_tensor = tio.encode_jpeg(chw, 90), tio.encode_png(chw)
    row("jpeg decode", "torchvision", lambda: tio.decode_jpeg(jpeg_tensor))
    row("png encode", "torchvision", lambda: tio.encode_png(chw))
    row("png decode", "torchvision", lambda: tio.decode_png(png_tensor))
except ImportError:
    pass


def saved():
    file = io.BytesIO()
    np.save(file, floats)
    return file.getvalue()


row("npy encode f32", "numpy", saved)

try:
    from safetensors.numpy import save

    row("safetensors encode f32", "safetensors", lambda: save({"image": floats}))
except ImportError:
    pass
