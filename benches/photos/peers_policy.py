"""The peers of policy.rs: the same work on the same 512 × 512 RGB8, one thread.

Prints `name<TAB>peer<TAB>images_per_second`. Best of several rounds, by the process's CPU time.
"""
import io
import random
import time
import warnings

warnings.filterwarnings("ignore")
import albumentations as A
import cv2
import numpy as np
import torch
from PIL import Image
from skimage.color import hed2rgb, rgb2hed
from torchvision.transforms import v2

cv2.setNumThreads(1)
torch.set_num_threads(1)
x, y = np.meshgrid(np.arange(512), np.arange(512))


def wave(x, period):
    return np.minimum(x % period, period - x % period)


fine = (wave(3 * x + y, 61) + wave(5 * y + 4096 - x, 83)) // 2
grain = ((x * 2654435761 ^ y * 40503) * 2246822519 >> 16 & 255) % 10
image = np.stack([
    60 + x // 6 + wave(x + 2 * y, 400) // 4 + fine,
    50 + y // 5 + wave(2 * x + y, 500) // 5 + fine,
    40 + (x + y) // 9 + fine // 2,
], -1) + grain[..., None]
image = np.ascontiguousarray(np.minimum(image, 255).astype(np.uint8))
code = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 90])[1]
MEAN, STD = np.float32([0.485, 0.456, 0.406]), np.float32([0.229, 0.224, 0.225])


def measure(name, peer, work):
    work()
    best = float("inf")
    for _ in range(7):
        calls, start = 0, time.process_time()
        while (spent := time.process_time() - start) < 0.3:
            work()
            calls += 1
        best = min(best, spent / calls)
    print(f"{name}\t{peer}\t{1 / best:.1f}", flush=True)


def decode():
    return cv2.imdecode(code, cv2.IMREAD_COLOR_RGB)


policy = A.Compose([
    A.RandomResizedCrop((224, 224)),
    A.HorizontalFlip(p=0.5),
    A.ColorJitter((0.8, 1.2), (0.8, 1.2), (0.8, 1.2), (-0.1, 0.1), p=1),
    A.Normalize(),
])


def by_hand():
    rgb = decode()
    area, ratio = 512 * 512 * random.uniform(0.08, 1), np.exp(random.uniform(np.log(0.75), np.log(4 / 3)))
    w, h = min(512, int((area * ratio) ** 0.5)), min(512, int((area / ratio) ** 0.5))
    left, top = random.randint(0, 512 - w), random.randint(0, 512 - h)
    rgb = cv2.resize(rgb[top : top + h, left : left + w], (224, 224), interpolation=cv2.INTER_AREA)
    if random.random() < 0.5:
        rgb = cv2.flip(rgb, 1)
    b, c, s, t = (random.uniform(0.8, 1.2) for _ in range(4))
    rgb = cv2.convertScaleAbs(rgb, alpha=b)
    mean = cv2.mean(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY))[0]
    rgb = cv2.addWeighted(rgb, c, rgb, 0, mean * (1 - c))
    grey = cv2.cvtColor(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    rgb = cv2.addWeighted(rgb, s, grey, 1 - s, 0)
    hsv = cv2.cvtColor(rgb, cv2.COLOR_RGB2HSV)
    turn = ((np.arange(256) + 180 * random.uniform(-0.1, 0.1)) % 180).astype(np.uint8)
    hsv[..., 0] = cv2.LUT(hsv[..., 0], turn)
    rgb = cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)
    return np.ascontiguousarray(((rgb.astype(np.float32) / 255 - MEAN) / STD).transpose(2, 0, 1))


tv = v2.Compose([
    v2.ToImage(),
    v2.RandomResizedCrop(224, antialias=True),
    v2.RandomHorizontalFlip(),
    v2.ColorJitter(0.2, 0.2, 0.2, 0.1),
    v2.ToDtype(torch.float32, scale=True),
    v2.Normalize(MEAN.tolist(), STD.tolist()),
])


def hed():
    amounts = rgb2hed(image)
    amounts = amounts * np.random.uniform(0.95, 1.05, 3) + np.random.uniform(-0.05, 0.05, 3) / 13.8
    return (255 * hed2rgb(amounts)).round().astype(np.uint8)


stain = A.HEStain(method="random_preset", p=1)
measure("pipeline", "albumentations", lambda: policy(image=decode())["image"].transpose(2, 0, 1).copy())
measure("pipeline", "opencv by hand", by_hand)
measure("pipeline", "torchvision", lambda: tv(Image.open(io.BytesIO(code)).convert("RGB")))
measure("hed jitter", "scikit-image", hed)
measure("hed jitter", "albumentations HEStain", lambda: stain(image=image))
