"""What the rows of traps.rs take elsewhere, on one thread: name, peer, times per second."""
import time

import cv2
import numpy as np

cv2.setNumThreads(1)


def rate(run):
    run()
    best = float("inf")
    for _ in range(5):
        start, count = time.perf_counter(), 0
        while time.perf_counter() - start < 0.2:
            run()
            count += 1
        best = min(best, (time.perf_counter() - start) / count)
    return 1 / best


rng = np.random.default_rng(1)
scene = (np.arange(512 * 384).reshape(384, 512) // 7 % 180).astype(np.uint8)


def row(name, peer, run):
    print(f"{name}\t{peer}\t{rate(run):.2f}", flush=True)


for count in (10, 51):
    stack = scene + rng.integers(0, 16, (count, 384, 512), dtype=np.uint8)
    row(f"median of {count} frames, 512x384 grey", "numpy", lambda: np.median(stack, axis=0))

grey = scene + rng.integers(0, 16, (384, 512), dtype=np.uint8)


def phash():
    small = cv2.resize(grey, (32, 32), interpolation=cv2.INTER_AREA).astype(np.float32)
    low = cv2.dct(small)[1:9, 1:9]
    return low > np.median(low)


row("phash, 512x384 grey", "opencv", phash)

rgb = np.repeat((scene + rng.integers(0, 16, (384, 512), dtype=np.uint8))[..., None], 3, 2)
still = np.repeat((scene + rng.integers(0, 16, (384, 512), dtype=np.uint8))[..., None], 3, 2)
disc = np.ones((3, 3), np.uint8)


def foreground():
    apart = cv2.absdiff(rgb, still).max(axis=2)
    level = max(12, 4 * 1.4826 * np.median(apart))
    raw = (apart > level).astype(np.uint8)
    return cv2.morphologyEx(cv2.medianBlur(raw, 3), cv2.MORPH_CLOSE, disc)


row("foreground of a frame, 512x384 rgb", "opencv", foreground)
