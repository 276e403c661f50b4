"""What other programs make of a file. Called by the tests of this folder; prints JSON."""

import io
import json
import sys

import imagecodecs
import numpy as np
import openslide
import tifffile
from PIL import Image

Image.MAX_IMAGE_PIXELS = None


def geometry(path):
    slide = openslide.OpenSlide(path)
    print(json.dumps({
        "levels": slide.level_dimensions,
        "vendor": slide.properties["openslide.vendor"],
        "mpp": [slide.properties.get(f"openslide.mpp-{axis}") for axis in "xy"],
        "objective": slide.properties.get("openslide.objective-power"),
        "associated": {k: v.size for k, v in slide.associated_images.items()},
    }))


def region(path, level, x, y, width, height, out):
    """A region of a level, as RGB bytes; x and y in pixels of level 0."""
    at, size = (int(x), int(y)), (int(width), int(height))
    np.asarray(openslide.OpenSlide(path).read_region(at, int(level), size))[..., :3].tofile(out)


def level0(path, out):
    """All of level 0 by OpenSlide, as RGB bytes."""
    slide = openslide.OpenSlide(path)
    region = np.asarray(slide.read_region((0, 0), 0, slide.dimensions))
    region[..., :3].tofile(out)
    print(json.dumps({"shape": region.shape[:2], "opaque": bool((region[..., 3] == 255).all())}))


def associated(path, name, out):
    picture = np.asarray(openslide.OpenSlide(path).associated_images[name])
    picture[..., :3].tofile(out)
    print(json.dumps(picture.shape[:2]))


def by_tifffile(path, shape):
    """The first page as colours (and straight alpha) of the shape that we give."""
    with tifffile.TiffFile(path) as tif:
        page = tif.pages[0]
        array = page.asarray()
        planar = page.planarconfig == tifffile.PLANARCONFIG.SEPARATE and page.samplesperpixel > 1
        extra = [int(e) for e in page.extrasamples]
        inverted = page.photometric == tifffile.PHOTOMETRIC.MINISWHITE
    if planar:
        array = np.moveaxis(array, 0, -1)
    height, width, channels = shape
    # Pages of a volume: the first plane.
    while array.ndim > 3 or (array.ndim == 3 and channels == 1 and array.shape[-1] == width):
        array = array[0]
    array = array.reshape(height, width, -1)
    if array.dtype == bool:
        array = array.astype(np.uint8) * 255
    if inverted:
        array = ~array
    if extra[:1] == [1] and channels in (2, 4):
        most = np.iinfo(array.dtype).max
        colours, alpha = array[..., :-1].astype(np.uint64), array[..., -1:].astype(np.uint64)
        straight = np.minimum(colours * most // np.maximum(alpha, 1), most)
        colours = np.where(alpha == 0, colours, straight)
        array = np.concatenate([colours, alpha], axis=-1).astype(array.dtype)
    return array[..., :channels]


def by_pillow(path, shape):
    """The first frame in as many channels as we give; transparent colours become alpha."""
    modes = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}
    with Image.open(path) as image:
        array = np.asarray(image)
        if array.reshape(shape[0], shape[1], -1).shape[2] != shape[2] or image.mode in "1P":
            if shape[2] == 2:
                array = np.asarray(image.convert("RGBA"))[..., [0, 3]]
            else:
                array = np.asarray(image.convert(modes[shape[2]]))
        return array.astype(array.dtype.newbyteorder("<")).reshape(shape)


def by_imagecodecs(path, shape):
    """libpng's own expansion of transparent colours, where Pillow has none."""
    with open(path, "rb") as file:
        return imagecodecs.png_decode(file.read()).reshape(shape)


def compare(listing):
    """For each line {file, raw, shape, dtype}: the largest difference from each other reader."""
    for line in open(listing):
        entry = json.loads(line)
        ours = np.fromfile(entry["raw"], entry["dtype"]).reshape(entry["shape"])
        answer = {"file": entry["file"]}
        for name, read in READERS:
            try:
                mine, theirs = ours, read(entry["file"], entry["shape"])
                if name == "pillow" and theirs.dtype == np.uint8 and ours.dtype == np.uint16:
                    # Pillow has no 16-bit colours: it keeps the high bytes.
                    mine = (mine >> 8).astype(np.uint8)
                if theirs.dtype != mine.dtype:
                    raise ValueError(f"{theirs.dtype} for {mine.dtype}")
                difference = np.abs(theirs.astype(np.float64) - mine.astype(np.float64))
                answer[name] = float(difference.max())
                answer[name + "_share"] = float((difference > 0).mean())
            except Exception as error:
                answer[name + "_error"] = f"{type(error).__name__}: {error}"[:200]
        print(json.dumps(answer))


READERS = (("tifffile", by_tifffile), ("pillow", by_pillow), ("imagecodecs", by_imagecodecs))


def encode(listing):
    """For each line {raw, shape, quality, subsampling, out}: the JPEG that Pillow writes."""
    for line in open(listing):
        entry = json.loads(line)
        array = np.fromfile(entry["raw"], np.uint8).reshape(entry["shape"])
        if array.shape[2] == 1:
            array = array[..., 0]
        buffer = io.BytesIO()
        Image.fromarray(array).save(
            buffer, "JPEG", quality=entry["quality"], subsampling=entry["subsampling"]
        )
        open(entry["out"], "wb").write(buffer.getvalue())


def exif(listing):
    """For each path: time, maker, model, serial number and orientation by Pillow."""
    for path in open(listing).read().splitlines():
        with Image.open(path) as image:
            main = image.getexif()
            camera = main.get_ifd(0x8769)
        print(json.dumps({
            "file": path,
            "time": camera.get(36867),
            "make": main.get(271),
            "model": main.get(272),
            "serial": camera.get(42033),
            "orientation": main.get(274),
        }, default=str))


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])
