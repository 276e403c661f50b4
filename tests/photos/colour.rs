//! Colours against OpenCV, and against the formulas of torchvision.

use microtome::pixels::colour::{self, Jitter};

use crate::common::{data_or_skip, python_or_skip};
use crate::peer;

#[test]
fn grey_is_opencvs_to_the_bit() {
    let name = "colour::grey_is_opencvs_to_the_bit";
    let (Some(data), Some(python)) = (data_or_skip(name), python_or_skip(name, &["cv2"])) else {
        return;
    };
    let script = "
for rgb in photos():
    give(rgb)
    give(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY))
";
    let mut given = peer::run(&python, &data.join("generic/photo"), script);
    while let Some(rgb) = given.next() {
        let grey = colour::to_grey(&rgb.image()).unwrap();
        assert_eq!(grey, given.next().unwrap().image());
        assert_eq!(colour::to_grey(&colour::grey_to_rgb(&grey).unwrap()).unwrap(), grey);
    }
}

/// torchvision's adjust_* of 8-bit images, written out: each cuts off where ours rounds.
#[test]
fn each_change_is_torchvisions_to_one_level() {
    let name = "colour::each_change_is_torchvisions_to_one_level";
    let modules = ["cv2", "skimage"];
    let (Some(data), Some(python)) = (data_or_skip(name), python_or_skip(name, &modules)) else {
        return;
    };
    let script = "
from skimage.color import rgb2hsv, hsv2rgb
def blend(a, b, share):
    return np.clip(a * share + b * (1 - share), 0, 255).astype(np.uint8)
for rgb in photos():
    give(rgb)
    x = rgb.astype(np.float32)
    grey = np.floor(x @ np.float32([0.2989, 0.587, 0.114]))[..., None]
    give(blend(x, 0, 1.2))
    give(blend(x, grey.mean(), 0.7))
    give(blend(x, grey, 1.6))
    hsv = rgb2hsv(rgb)
    hsv[..., 0] = (hsv[..., 0] + 0.1) % 1
    give((hsv2rgb(hsv) * 255.999).astype(np.uint8))
";
    let mut given = peer::run(&python, &data.join("generic/photo"), script);
    let still = Jitter::default();
    while let Some(rgb) = given.next() {
        let rgb = rgb.image();
        for change in [
            Jitter { brightness: 1.2, ..still },
            Jitter { contrast: 0.7, ..still },
            Jitter { saturation: 1.6, ..still },
            Jitter { hue_deg: 36.0, ..still },
        ] {
            let mut changed = rgb.clone();
            change.apply(&mut changed).unwrap();
            let (most, _) = peer::differ(&changed, &given.next().unwrap().image());
            assert!(most <= if change.saturation == 1.0 { 1 } else { 2 }, "{change:?}: {most}");
        }
    }
}
