"""What normalising stains costs in the programs that people use today; called by stain_vs_peers.sh.

  stain_peers.py images SOURCE TARGET FOLDER   FOLDER/source-256.rgb, source-1024.rgb, target-512.rgb: R, G, B bytes
  stain_peers.py run PEER FOLDER               lines "PEER/LOOP<TAB>side<TAB>threads<TAB>Mpx per CPU second"
  stain_peers.py names                         the peers
  stain_peers.py table FILE PASSES             Markdown, from such lines (ours have no PEER/)

One thread everywhere. Each number of a peer is that of the fastest call, by the CPU time of the process."""
import os

for knob in ("OMP", "OPENBLAS", "MKL", "NUMEXPR", "NUMBA", "VECLIB_MAXIMUM"):
    os.environ[knob + "_NUM_THREADS"] = "1"

import collections
import datetime
import importlib.metadata
import platform
import sys
import time
import warnings

import numpy as np

SIDES = (256, 1024)
# Ratio of maximum concentrations, where the stains are given: any will do.
SCALE = 1.1


def one_thread(*modules):
    """Imports; torch and OpenCV need to be told."""
    import importlib

    for module in modules:
        importlib.import_module(module)
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)
    if "cv2" in sys.modules:
        sys.modules["cv2"].setNumThreads(1)


def torchstain_numpy(target):
    one_thread("torchstain")
    from torchstain.numpy.normalizers.macenko import NumpyMacenkoNormalizer
    from torchstain.numpy.normalizers.reinhard import NumpyReinhardNormalizer

    macenko = NumpyMacenkoNormalizer()
    macenko.fit(target)
    he, _, most = macenko._NumpyMacenkoNormalizer__compute_matrices(target, 240, 1, 0.15)

    def given(rgb):
        """`normalize` without the lines that estimate: what a slide's profile would leave of it."""
        od, _ = macenko._NumpyMacenkoNormalizer__convert_rgb2od(rgb.reshape((-1, 3)))
        c = macenko._NumpyMacenkoNormalizer__find_concentration(od, he)
        out = np.multiply(240, np.exp(-macenko.HERef.dot(np.divide(c, (most / macenko.maxCRef)[:, np.newaxis]))))
        out[out > 255] = 255
        return np.reshape(out.T, rgb.shape).astype(np.uint8)

    reinhard, modified = NumpyReinhardNormalizer(method=None), NumpyReinhardNormalizer(method="modified")
    reinhard.fit(target)
    modified.fit(target)
    return {"given": given, "fit": lambda rgb: macenko.normalize(rgb, stains=False),
            "reinhard": reinhard.normalize, "reinhard-modified": modified.normalize}


def torchstain_torch(target):
    one_thread("torch", "torchstain")
    import torch
    from torchstain.torch.normalizers.macenko import TorchMacenkoNormalizer
    from torchstain.torch.normalizers.reinhard import TorchReinhardNormalizer

    def tensor(rgb):
        return torch.from_numpy(rgb).permute(2, 0, 1).contiguous()

    macenko, reinhard = TorchMacenkoNormalizer(), TorchReinhardNormalizer(method=None)
    macenko.fit(tensor(target))
    reinhard.fit(tensor(target))
    he, _, most = macenko._TorchMacenkoNormalizer__compute_matrices(tensor(target), 240, 1, 0.15)

    def given(image):
        od, _ = macenko._TorchMacenkoNormalizer__convert_rgb2od(image, 240, 0.15)
        c = macenko._TorchMacenkoNormalizer__find_concentration(od, he)
        c *= (macenko.maxCRef / most).unsqueeze(-1)
        out = 240 * torch.exp(-torch.matmul(macenko.HERef, c))
        out[out > 255] = 255
        return out.T.reshape(image.shape[1], image.shape[2], 3).int()

    return {"prepare": tensor, "given": given, "fit": lambda image: macenko.normalize(image, stains=False),
            "reinhard": reinhard.normalize}


def tiatoolbox(target):
    one_thread("cv2", "torch", "tiatoolbox.tools.stainnorm")
    from tiatoolbox.tools import stainnorm

    loops = {}
    for loop, name in (("fit", "macenko"), ("reinhard", "reinhard"), ("vahadane", "vahadane"), ("ruifrok", "ruifrok")):
        normalizer = stainnorm.get_normalizer(name)
        normalizer.fit(target.copy())
        loops[loop] = normalizer.transform
    macenko = stainnorm.get_normalizer("macenko")
    macenko.fit(target.copy())

    def given(rgb):
        """`transform` without the lines that estimate."""
        c = macenko.get_concentrations(rgb, macenko.stain_matrix_target) * SCALE
        out = 255 * np.exp(-1 * np.dot(c, macenko.stain_matrix_target))
        out[out > 255] = 255
        out[out < 0] = 0
        return out.reshape(rgb.shape).astype(np.uint8)

    return loops | {"given": given}


def staintools(target):
    one_thread("cv2", "spams", "staintools")
    from staintools import ReinhardColorNormalizer, StainNormalizer
    from staintools.miscellaneous.get_concentrations import get_concentrations

    macenko, vahadane, reinhard = StainNormalizer("macenko"), StainNormalizer("vahadane"), ReinhardColorNormalizer()
    for normalizer in (macenko, vahadane, reinhard):
        normalizer.fit(target.copy())

    def lasso(rgb):
        """`transform` without the lines that estimate; its concentrations are a lasso's."""
        c = get_concentrations(rgb, macenko.stain_matrix_target) * SCALE
        return (255 * np.exp(-1 * np.dot(c, macenko.stain_matrix_target))).reshape(rgb.shape).astype(np.uint8)

    return {"lasso": lasso, "fit": macenko.transform, "reinhard": reinhard.transform, "vahadane": vahadane.transform}


def histomicstk(target):
    one_thread("histomicstk")
    from histomicstk.preprocessing.color_conversion import lab_mean_std
    from histomicstk.preprocessing.color_normalization import deconvolution_based_normalization, reinhard

    mean, deviation = lab_mean_std(target)
    # Columns hematoxylin, eosin, and what is left: those of its own documentation.
    stains = np.array([[0.65, 0.07, 0.0], [0.70, 0.99, 0.0], [0.29, 0.11, 0.0]])
    method = {"stains": ["hematoxylin", "eosin"], "stain_unmixing_method": "macenko_pca"}

    def fit(rgb):
        return deconvolution_based_normalization(rgb, W_target=stains, stain_unmixing_routine_params=method)

    def given(rgb):
        return deconvolution_based_normalization(rgb, W_source=stains, W_target=stains)

    return {"given": given, "fit": fit, "reinhard": lambda rgb: reinhard(rgb, mean, deviation)}


def opencv(target):
    """Not a normaliser: the fewest calls of OpenCV that do Reinhard's, in its 8-bit LAB, by a table."""
    one_thread("cv2")
    import cv2

    mean, deviation = cv2.meanStdDev(cv2.cvtColor(target, cv2.COLOR_RGB2LAB))
    values = np.arange(256)[:, None]

    def reinhard(rgb):
        lab = cv2.cvtColor(rgb, cv2.COLOR_RGB2LAB)
        mu, sigma = cv2.meanStdDev(lab)
        table = (values - mu.T) * (deviation / sigma).T + mean.T
        return cv2.cvtColor(cv2.LUT(lab, np.clip(table, 0, 255).astype(np.uint8)[None]), cv2.COLOR_LAB2RGB)

    return {"reinhard": reinhard}


def scikit_image(target):
    """Stain augmentation as it is written by hand: HED and back, each stain times a factor plus a term."""
    one_thread("skimage.color")
    from skimage.color import hed2rgb, rgb2hed

    def hed(rgb):
        return (hed2rgb(rgb2hed(rgb) * (1.05, 0.93, 1.02) + (0.01, -0.015, 0.02)) * 255).astype(np.uint8)

    return {"hed": hed}


PEERS = {
    "torchstain-numpy": (torchstain_numpy, ["torchstain", "numpy"]),
    "torchstain-torch": (torchstain_torch, ["torchstain", "torch"]),
    "tiatoolbox": (tiatoolbox, ["tiatoolbox"]),
    "staintools": (staintools, ["staintools", "spams-bin"]),
    "histomicstk": (histomicstk, ["histomicstk"]),
    "opencv": (opencv, []),
    "scikit-image": (scikit_image, ["scikit-image"]),
}


def images(source, target, folder):
    """The source, repeated where it is too small, and the target; as bytes, so that nobody decodes."""
    from PIL import Image

    for place, name, sides in ((source, "source", SIDES), (target, "target", (512,))):
        rgb = np.array(Image.open(place).convert("RGB"))
        for side in sides:
            repeats = [-(-side // length) for length in rgb.shape[:2]]
            np.tile(rgb, (*repeats, 1))[:side, :side].tofile(os.path.join(folder, f"{name}-{side}.rgb"))


def read(folder, name, side):
    return np.fromfile(os.path.join(folder, f"{name}-{side}.rgb"), np.uint8).reshape(side, side, 3)


def fastest(call, image):
    """CPU seconds of the fastest of at least three calls, after one to warm up."""
    call(image)
    best, begun, calls = float("inf"), time.process_time(), 0
    while calls < 3 or (time.process_time() - begun < 1 and calls < 1000):
        start = time.process_time()
        call(image)
        best = min(best, time.process_time() - start)
        calls += 1
    return best


def version(packages):
    found = []
    for package in packages:
        try:
            found.append(f"{package} {importlib.metadata.version(package)}")
        except importlib.metadata.PackageNotFoundError:
            pass
    if "cv2" in sys.modules:
        found.append(f"OpenCV {sys.modules['cv2'].__version__}")
    return ", ".join(found)


def run(peer, folder):
    warnings.simplefilter("ignore")
    make, packages = PEERS[peer]
    try:
        loops = make(read(folder, "target", 512))
    except ImportError as error:
        print(f"#{peer}\tnot installed ({error})")
        return
    print(f"#{peer}\t{version(packages)}")
    prepare = loops.pop("prepare", lambda rgb: rgb)
    for side in SIDES:
        image = prepare(read(folder, "source", side))
        for loop, call in loops.items():
            try:
                print(f"{peer}/{loop}\t{side}\t1\t{side * side / fastest(call, image) / 1e6:.4g}", flush=True)
            except Exception as error:  # a peer that fails on a patch is reported, and stops nobody
                print(f"#{peer}/{loop}\t{side}: {type(error).__name__}: {error}", flush=True)


# What is compared: title, our loop, the peers' loops. "given" is a call of HistomicsTK only; elsewhere
# it, and "lasso", are the peer's own lines without those that estimate.
GROUPS = [
    ("Stains of the slide given, against the peers' own lines without the estimate", "fixed", ("given",)),
    ("Stains of the slide given, against what a user calls (estimates anew for each patch)", "fixed", ("fit",)),
    ("Macenko, estimate + change", "macenko", ("fit",)),
    ("Amounts that are not negative (lasso), stains given", "lasso", ("lasso",)),
    ("Vahadane, estimate + change", "vahadane", ("vahadane",)),
    ("Reinhard, moments of the slide given, against what a user calls (takes them anew)", "reinhard-fixed", ("reinhard",)),
    ("Reinhard, moments + change", "reinhard", ("reinhard",)),
    ("Reinhard, modified, moments + change", "reinhard-modified", ("reinhard-modified",)),
    ("Ruifrok, maxima + change", "ruifrok", ("ruifrok",)),
    ("HED augmentation, drawn anew for each image", "hed", ("hed",)),
]


def table(file, passes):
    best, notes = collections.defaultdict(float), {}
    for line in open(file):
        fields = line.rstrip("\n").split("\t")
        if line.startswith("#"):
            notes[fields[0][1:]] = fields[1]
        elif len(fields) == 4:
            key = (fields[0], int(fields[1]), int(fields[2]))
            best[key] = max(best[key], float(fields[3]))
    model = next((line.split(":", 1)[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "?")
    print(f"{datetime.date.today()}, {model}, {os.cpu_count()} cores, {platform.system()} {platform.machine()}; "
          f"load {os.getloadavg()[0]:.1f}; one thread; best of {passes} passes; Mpx per second of CPU (peers) or of wall clock (microtome)\n")

    def ours(loop, side):
        return best.get((loop, side, 1))

    print("The roof, a copy of the bytes: " + ", ".join(f"{side} px {ours('copy', side) or 0:.0f}" for side in SIDES) + "\n")
    for title, loop, theirs in GROUPS:
        print(f"**{title}**\n\n| | " + " | ".join(f"{side} px | microtome is" for side in SIDES) + " |")
        print("|---|" + "--:|--:|" * len(SIDES))
        rows = [("microtome", [ours(loop, side) for side in SIDES])]
        for name in sorted({name for name, _, _ in best if name.partition("/")[2] in theirs}):
            rows.append((name.partition("/")[0], [best.get((name, side, 1)) for side in SIDES]))
        for name, speeds in rows:
            cells = []
            for side, speed in zip(SIDES, speeds):
                own = ours(loop, side)
                ratio = f"{own / speed:.1f}x" if own and speed and name != "microtome" else ""
                cells += [f"{speed:.3g}" if speed else "not measured", ratio]
            print(f"| {name} | " + " | ".join(cells) + " |")
        print()
    pairs = [(name, side, speed / ours(name, side)) for (name, side, threads), speed in sorted(best.items())
             if threads == 2 and ours(name, side)]
    if pairs:
        print("Two threads to one: " + ", ".join(f"{name} {side} px {ratio:.2f}x" for name, side, ratio in pairs) + "\n")
    for name, note in notes.items():
        print(f"- {name}: {note}")


if __name__ == "__main__":
    if sys.argv[1] == "images":
        images(*sys.argv[2:5])
    elif sys.argv[1] == "names":
        print("\n".join(PEERS))
    elif sys.argv[1] == "run":
        run(*sys.argv[2:4])
    else:
        table(*sys.argv[2:4])
