"""The peers of blur.rs: the same work on the same 512 × 512 RGB8, one thread.

Prints `name<TAB>peer<TAB>images_per_second`. Best of several rounds, by the process's CPU time.
"""
import time
import warnings

warnings.filterwarnings("ignore")
import cv2
import numpy as np

cv2.setNumThreads(1)
x, y = np.meshgrid(np.arange(512), np.arange(512))
image = np.stack([x // 2 + (x * y) % 37, y // 2 + (x ^ y) % 29, (x + y) // 4 + (3 * x + 7 * y) % 41], -1)
image = np.ascontiguousarray(np.minimum(image, 255).astype(np.uint8))


def measure(name, peer, work):
    work()
    best = float("inf")
    for _ in range(7):
        calls, start = 0, time.process_time()
        while (spent := time.process_time() - start) < 0.08:
            work()
            calls += 1
        best = min(best, spent / calls)
    print(f"{name}\t{peer}\t{1 / best:.1f}", flush=True)


def noise():
    drawn = np.empty(image.shape, np.int16)
    cv2.randn(drawn, 0, 25)
    return cv2.add(image, drawn, dtype=cv2.CV_8U)


def line():
    kernel = np.zeros((9, 9), np.uint8)
    cv2.line(kernel, (0, 6), (8, 2), 1)
    return cv2.filter2D(image, -1, kernel / kernel.sum())


def disc(radius):
    a = np.arange(-radius, radius + 1)
    kernel = ((a[:, None] ** 2 + a[None, :] ** 2) <= radius * radius + radius).astype(np.float32)
    kernel = cv2.GaussianBlur(kernel / kernel.sum(), (3, 3), 0.5)
    return cv2.filter2D(image, -1, kernel)


sharp = np.full((3, 3), -0.4, np.float32)
sharp[1, 1] = 4.2
small = lambda: cv2.resize(cv2.resize(image, (128, 128), interpolation=cv2.INTER_AREA), (512, 512))
squares = lambda: cv2.resize(cv2.resize(image, (128, 128), interpolation=cv2.INTER_AREA), (512, 512),
                             interpolation=cv2.INTER_NEAREST)
codec = lambda: cv2.imdecode(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 50])[1], 1)
for name, work in [
    ("box blur 5", lambda: cv2.blur(image, (5, 5))),
    ("box blur 31", lambda: cv2.blur(image, (31, 31))),
    ("gaussian blur 5", lambda: cv2.GaussianBlur(image, (5, 5), 0)),
    ("gaussian blur sigma 3", lambda: cv2.GaussianBlur(image, (0, 0), 3)),
    ("gaussian blur sigma 20", lambda: cv2.GaussianBlur(image, (0, 0), 20)),
    ("median 3", lambda: cv2.medianBlur(image, 3)),
    ("median 5", lambda: cv2.medianBlur(image, 5)),
    ("median 15", lambda: cv2.medianBlur(image, 15)),
    ("motion blur 9", line),
    ("defocus 5", lambda: disc(5)),
    ("sharpen", lambda: cv2.filter2D(image, -1, sharp)),
    ("jpeg degradation 50", codec),
    ("downscale 0.25", small),
    ("downscale 0.25, squares of means", squares),
    ("gaussian noise", noise),
]:
    measure(name, "opencv", work)

try:
    import albumentations as A
except ImportError:
    raise SystemExit
std = (25 / 255, 25 / 255)
for name, op in [
    ("box blur 5", A.Blur(blur_limit=(5, 5), p=1)),
    ("gaussian blur 5", A.GaussianBlur(blur_limit=(5, 5), sigma_limit=(1.1, 1.1), p=1)),
    ("gaussian blur sigma 3", A.GaussianBlur(blur_limit=0, sigma_limit=(3, 3), p=1)),
    ("median 3", A.MedianBlur(blur_limit=(3, 3), p=1)),
    ("median 5", A.MedianBlur(blur_limit=(5, 5), p=1)),
    ("motion blur 9", A.MotionBlur(blur_limit=(9, 9), p=1)),
    ("defocus 5", A.Defocus(radius=(5, 5), alias_blur=(0.5, 0.5), p=1)),
    ("sharpen", A.Sharpen(alpha=(0.4, 0.4), lightness=(1, 1), p=1)),
    ("jpeg degradation 50", A.ImageCompression(quality_range=(50, 50), p=1)),
    ("downscale 0.25, squares", A.Downscale(scale_range=(0.25, 0.25), p=1)),
    ("downscale 0.25, squares of means", A.Downscale(
        scale_range=(0.25, 0.25), p=1,
        interpolation_pair={"downscale": cv2.INTER_AREA, "upscale": cv2.INTER_NEAREST})),
    ("gaussian noise", A.GaussNoise(std_range=std, p=1)),
    ("iso noise", A.ISONoise(p=1)),
    ("shot noise", A.ShotNoise(p=1)),
    ("fog", A.RandomFog(p=1)),
    ("rain", A.RandomRain(p=1)),
    ("shadow", A.RandomShadow(p=1)),
    ("sun flare", A.RandomSunFlare(p=1)),
    ("coarse dropout", A.CoarseDropout(num_holes_range=(8, 8), hole_height_range=(25, 50),
                                       hole_width_range=(25, 50), p=1)),
]:
    measure(name, "albumentations", lambda: op(image=image))
