"""What people write today: openslide-python and Pillow, one tile after the other.

openslide_loop.py SLIDE OUTDIR: 256-px level-0 patches as JPEG q80 4:2:0, whole ones only.
"""
import os
import sys

import openslide

slide = openslide.OpenSlide(sys.argv[1])
out = sys.argv[2]
os.makedirs(out)
width, height = slide.dimensions
for y in range(0, height - 255, 256):
    for x in range(0, width - 255, 256):
        patch = slide.read_region((x, y), 0, (256, 256)).convert("RGB")
        patch.save(os.path.join(out, f"x{x}_y{y}.jpg"), quality=80, subsampling="4:2:0")
