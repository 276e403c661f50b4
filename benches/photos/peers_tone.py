"""What the peers of tone.rs take for the same works: `name<TAB>peer<TAB>images per second`.

One thread, 512 × 512 pixels, the same picture, CPU time, best of half a second. Peers that are not
installed are left out, and said so on stderr.
"""

import importlib
import sys
import time

import numpy as np


def rows():
    """Name of the work, peer, and the work itself."""
    y, x, c = np.mgrid[0:512, 0:512, 0:3]
    rgb = ((x * (c + 1) + y * (3 - c) + (x * 37 + y * 91 + c * 53) % 41) % 256).astype(np.uint8)
    table = np.clip(np.arange(256) * 1.3 + 20, 0, 255).astype(np.uint8)
    mean, std = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
    cv2 = peer("cv2")
    if cv2:
        cv2.setNumThreads(1)
        grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
        clahe = cv2.createCLAHE(4.0, (8, 8))
        yield "table", "OpenCV LUT", lambda: cv2.LUT(rgb, table)
        yield "table", "OpenCV convertScaleAbs", lambda: cv2.convertScaleAbs(rgb, alpha=1.3, beta=20)
        yield "grey", "OpenCV", lambda: cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
        yield "equalize grey", "OpenCV", lambda: cv2.equalizeHist(grey)
        yield "clahe grey", "OpenCV", lambda: clahe.apply(grey)
    torch = peer("torch")
    functional = peer("torchvision.transforms.v2.functional")
    if torch and functional:
        torch.set_num_threads(1)
        tensor = torch.from_numpy(rgb.transpose(2, 0, 1).copy())

        def numbers():
            return functional.normalize(functional.to_dtype(tensor, torch.float32, scale=True), mean, std)

        def jitter():
            changed = functional.adjust_contrast(functional.adjust_brightness(tensor, 1.2), 1.2)
            return functional.adjust_hue(functional.adjust_saturation(changed, 1.3), 0.05)

        yield "normalize", "torchvision", numbers
        yield "jitter", "torchvision", jitter
        yield "saturation", "torchvision", lambda: functional.adjust_saturation(tensor, 1.3)
        yield "hue", "torchvision", lambda: functional.adjust_hue(tensor, 0.05)
    albucore = peer("albucore")
    if albucore:
        yield "table", "albucore", lambda: albucore.sz_lut(rgb, table, inplace=False)
        yield "table in place", "albucore", lambda: albucore.sz_lut(rgb, table, inplace=True)
    a = peer("albumentations")
    if a:
        contrast = a.RandomBrightnessContrast(p=1)
        colour = a.ColorJitter(p=1)
        drawn = {"brightness": 1.2, "contrast": 1.2, "saturation": 1.3, "hue": 0.05}
        lab, stains, normalize = a.CLAHE(p=1), a.HEStain(p=1), a.Normalize(mean, std)
        yield "table", "Albumentations", lambda: contrast.apply(rgb, alpha=1.3, beta=0.08)
        yield "jitter", "Albumentations", lambda: colour.apply(rgb, order=[0, 1, 2, 3], **drawn)
        yield "clahe lab", "Albumentations", lambda: lab.apply(rgb, clip_limit=4.0)
        yield "hed", "Albumentations HEStain", lambda: stains(image=rgb)
        yield "normalize hwc", "Albumentations", lambda: normalize.apply(rgb)


def peer(name):
    """A module, or None."""
    try:
        return importlib.import_module(name)
    except ImportError:
        print(f"{name} is not installed", file=sys.stderr)
        return None


def rate(work):
    """Calls per second of CPU time, at best."""
    work()
    best, end, calls = float("inf"), time.time() + 0.5, 0
    while time.time() < end or calls < 3:
        start = time.process_time()
        work()
        work()
        best, calls = min(best, (time.process_time() - start) / 2), calls + 1
    return 1 / best


for name, who, work in rows():
    print(f"{name}\t{who}\t{rate(work):.0f}", flush=True)
