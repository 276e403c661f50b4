"""Runs each program as a whole process, takes CPU seconds, wall seconds and peak memory from the
kernel (wait4), and prints a Markdown table. Called by tile_vs_peers.sh."""
import datetime
import json
import os
import platform
import shutil
import subprocess
import sys
import time

slide, microtome, floor, scratch, repeats = sys.argv[1:5] + [int(sys.argv[5])]
here = os.path.dirname(os.path.abspath(__file__))


def measure(command, out=None):
    """The fastest (in CPU seconds) of some runs, each into a fresh folder."""
    best = None
    for _ in range(repeats if out else 1):
        if out:
            shutil.rmtree(out, ignore_errors=True)
            for ending in (".dzi", "_files"):
                path = out + ending
                shutil.rmtree(path, ignore_errors=True)
                if os.path.exists(path):
                    os.remove(path)
        begun = time.perf_counter()
        child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        text = child.stdout.read()
        errors = child.stderr.read()
        _, status, usage = os.wait4(child.pid, 0)
        wall = time.perf_counter() - begun
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode != 0:
            sys.exit(f"{command[0]} failed ({child.returncode}): {errors.decode()[-2000:]}")
        run = {"cpu": usage.ru_utime + usage.ru_stime, "wall": wall, "mb": usage.ru_maxrss / 1024, "text": text}
        if best is None or run["cpu"] < best["cpu"]:
            best = run
    return best


def files(folder):
    return sum(name.endswith(".jpg") for _, _, names in os.walk(folder) for name in names)


with open(slide, "rb") as file:  # into the page cache, for everybody alike
    while file.read(1 << 24):
        pass

rows = []
out = os.path.join(scratch, "ours")
ours = [microtome, "tile", slide, "-o", out, "--level", "0", "--tile-px", "256", "--mask", "none",
        "--format", "jpeg", "--quality", "80", "--subsampling", "420", "--pack", "4GB", "--threads", "2"]
cold = measure(ours, out)
with open(os.path.join(out, "run.json")) as file:
    cold["patches"] = json.load(file)["steps"][-1]["items"]
rows.append(("microtome tile", cold))
warm = measure(ours)
warm["patches"] = None
rows.append(("microtome tile, again (nothing to do)", warm))
shutil.rmtree(out)

if shutil.which("vips"):
    out = os.path.join(scratch, "vips")
    run = measure(["vips", "dzsave", slide, out, "--depth", "one", "--tile-size", "256", "--overlap", "0",
                   "--suffix", ".jpg[Q=80]"], out)
    run["patches"] = files(out + "_files")
    rows.append(("vips dzsave --depth one", run))
    shutil.rmtree(out + "_files")
else:
    print("vips is not installed: its row is missing", file=sys.stderr)

try:
    import openslide  # noqa: F401
    import PIL  # noqa: F401
except ImportError:
    print("this Python lacks openslide-python or Pillow: their row is missing", file=sys.stderr)
else:
    out = os.path.join(scratch, "openslide")
    run = measure([sys.executable, os.path.join(here, "openslide_loop.py"), slide, out], out)
    run["patches"] = files(out)
    rows.append(("openslide-python + Pillow", run))
    shutil.rmtree(out)

run = measure([floor, slide])
for _ in range(repeats - 1):
    again = measure([floor, slide])
    run = min(run, again, key=lambda r: r["cpu"])
run["patches"] = json.loads(run["text"])["patches"]
rows.append(("the codec alone: decode + encode, one thread", run))

model = next((line.split(":", 1)[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "?")
print(f"{datetime.date.today()}, {model}, {os.cpu_count()} cores, {platform.system()} {platform.machine()}; "
      f"load {os.getloadavg()[0]:.1f}; best of {repeats}; {os.path.basename(slide)}\n")
print("| | patches | CPU s | wall s | patches per CPU s | microtome is | peak MB |")
print("|---|--:|--:|--:|--:|--:|--:|")
rate = cold["patches"] / cold["cpu"]
for name, run in rows:
    if run["patches"] is None:
        print(f"| {name} | – | {run['cpu']:.3f} | {run['wall']:.3f} | – | "
              f"{run['cpu'] / cold['cpu'] * 100:.2f} % of its cold CPU, {run['wall'] / cold['wall'] * 100:.2f} % of its wall | {run['mb']:.0f} |")
        continue
    own = run["patches"] / run["cpu"]
    ratio = "" if run is cold else f"{rate / own:.2f}x"
    print(f"| {name} | {run['patches']} | {run['cpu']:.2f} | {run['wall']:.2f} | {own:.0f} | {ratio} | {run['mb']:.0f} |")
