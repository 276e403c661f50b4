//! Flips, turns, crops and frames: on arrays small enough to read, and against NumPy and Pillow.

use microtome::image::{Image, Samples};
use microtome::pixels::geometry::{
    Border, Sides, crop, flip_horizontal, flip_vertical, orient, pad, rotate_quarter, transpose,
};
use proptest::prelude::*;

use crate::exchange;

fn grey(width: u32, height: u32, data: &[u8]) -> Image {
    Image::from_u8(width, height, 1, data.to_vec()).unwrap()
}

fn numbers(image: &Image) -> &[u8] {
    image.as_u8().unwrap()
}

#[test]
fn six_pixels_turn_as_drawn() {
    // 1 2 3
    // 4 5 6
    let image = grey(3, 2, &[1, 2, 3, 4, 5, 6]);
    assert_eq!(numbers(&flip_horizontal(&image).unwrap()), [3, 2, 1, 6, 5, 4]);
    assert_eq!(numbers(&flip_vertical(&image).unwrap()), [4, 5, 6, 1, 2, 3]);
    let standing = transpose(&image).unwrap();
    assert_eq!((standing.width_px(), standing.height_px()), (2, 3));
    assert_eq!(numbers(&standing), [1, 4, 2, 5, 3, 6]);
    assert_eq!(numbers(&rotate_quarter(&image, 1).unwrap()), [3, 6, 2, 5, 1, 4]);
    assert_eq!(numbers(&rotate_quarter(&image, 2).unwrap()), [6, 5, 4, 3, 2, 1]);
    assert_eq!(numbers(&rotate_quarter(&image, 3).unwrap()), [4, 1, 5, 2, 6, 3]);
    assert_eq!(rotate_quarter(&image, 4).unwrap(), image);
    assert_eq!(numbers(&orient(&image, 7).unwrap()), [6, 3, 5, 2, 4, 1]);
    assert_eq!(orient(&image, 9).unwrap(), image);
}

#[test]
fn every_border_continues_a_row_as_drawn() {
    let image = grey(4, 1, b"abcd");
    let sides = Sides { left: 6, right: 6, ..Sides::default() };
    for (border, row) in [
        (Border::Constant([b'k'.into(); 4]), b"kkkkkkabcdkkkkkk"),
        (Border::Replicate, b"aaaaaaabcddddddd"),
        (Border::Reflect, b"cddcbaabcddcbaab"),
        (Border::Reflect101, b"abcdcbabcdcbabcd"),
        (Border::Wrap, b"cdabcdabcdabcdab"),
    ] {
        assert_eq!(numbers(&pad(&image, sides, &border).unwrap()), row, "{border:?}");
    }
    let one = grey(1, 1, b"x");
    let framed = pad(&one, Sides { left: 2, top: 1, right: 0, bottom: 3 }, &Border::Reflect101);
    assert_eq!(numbers(&framed.unwrap()), [b'x'; 15]);
}

#[test]
fn a_part_must_lie_in_the_image() {
    let image = grey(3, 2, &[1, 2, 3, 4, 5, 6]);
    assert_eq!(numbers(&crop(&image, 1, 0, 2, 2).unwrap()), [2, 3, 5, 6]);
    for (x, y, w, h) in [(1, 0, 3, 1), (0, 0, 0, 1), (0, 2, 1, 1), (u32::MAX, 0, 2, 1)] {
        assert_eq!(crop(&image, x, y, w, h).unwrap_err().kind(), "params");
    }
    let endless = Sides { right: u32::MAX, ..Sides::default() };
    assert_eq!(pad(&image, endless, &Border::Wrap).unwrap_err().kind(), "limit");
}

fn any_image() -> impl Strategy<Value = Image> {
    (1_u32..70, 1_u32..70, 1_u8..=4, any::<bool>(), any::<u32>()).prop_map(
        |(width, height, channels, deep, seed)| {
            let count = width * height * u32::from(channels);
            let numbers = (0..count).map(|i| (i ^ seed).wrapping_mul(2_654_435_761) >> 16);
            let samples = if deep {
                Samples::U16(numbers.map(|v| v as u16).collect())
            } else {
                Samples::U8(numbers.map(|v| v as u8).collect())
            };
            Image::new(width, height, channels, samples).unwrap()
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn turns_come_back(image in any_image()) {
        let twice = |f: fn(&Image) -> microtome::Result<Image>| f(&f(&image).unwrap()).unwrap();
        prop_assert_eq!(&twice(flip_horizontal), &image);
        prop_assert_eq!(&twice(flip_vertical), &image);
        prop_assert_eq!(&twice(transpose), &image);
        let mut turned = image.clone();
        for _ in 0..4 {
            turned = rotate_quarter(&turned, 1).unwrap();
        }
        prop_assert_eq!(&turned, &image);
        // A quarter turn is a transpose and a flip; half a turn is both flips.
        let flipped = flip_vertical(&transpose(&image).unwrap()).unwrap();
        prop_assert_eq!(&rotate_quarter(&image, 1).unwrap(), &flipped);
        let both = flip_vertical(&flip_horizontal(&image).unwrap()).unwrap();
        prop_assert_eq!(&rotate_quarter(&image, 2).unwrap(), &both);
    }

    #[test]
    fn what_is_framed_is_in_the_frame(
        image in any_image(), left in 0_u32..90, top in 0_u32..90, right in 0_u32..90, bottom in 0_u32..90,
    ) {
        for border in [Border::Constant([7; 4]), Border::Replicate, Border::Reflect, Border::Reflect101, Border::Wrap] {
            let framed = pad(&image, Sides { left, top, right, bottom }, &border).unwrap();
            let inside = crop(&framed, left, top, image.width_px(), image.height_px()).unwrap();
            prop_assert_eq!(&inside, &image);
        }
    }
}

/// NumPy's flips and OpenCV's frames of the same picture, for odd sizes and all channels.
#[test]
fn turns_and_frames_are_those_of_numpy_and_opencv() {
    const SCRIPT: &str = r"
import sys, numpy as np, cv2
w, h, c = map(int, sys.argv[1:4])
a = np.frombuffer(sys.stdin.buffer.read(), np.uint8).reshape(h, w, c)
b = [np.rot90(a, k) for k in range(4)] + [a[:, ::-1], a[::-1], a.transpose(1, 0, 2)]
for t in (cv2.BORDER_CONSTANT, cv2.BORDER_REPLICATE, cv2.BORDER_REFLECT, cv2.BORDER_REFLECT_101, cv2.BORDER_WRAP):
    b.append(cv2.copyMakeBorder(a, 5, 40, 60, 3, t, value=(9, 8, 7, 6)).reshape(h + 45, w + 63, c))
sys.stdout.buffer.write(b''.join(np.ascontiguousarray(i).tobytes() for i in b))
";
    let Some(python) =
        crate::common::python_or_skip("turns_and_frames_are_those_of_numpy_and_opencv", &["cv2"])
    else {
        return;
    };
    for (width, height, channels) in [(33, 21, 3), (50, 19, 1), (7, 64, 4), (512, 40, 3)] {
        let image = exchange::noisy(width, height, channels);
        let mut ours = Vec::new();
        for turns in 0..4 {
            ours.extend_from_slice(numbers(&rotate_quarter(&image, turns).unwrap()));
        }
        for f in [flip_horizontal, flip_vertical, transpose] {
            ours.extend_from_slice(numbers(&f(&image).unwrap()));
        }
        let sides = Sides { left: 60, top: 5, right: 3, bottom: 40 };
        for border in [
            Border::Constant([9, 8, 7, 6]),
            Border::Replicate,
            Border::Reflect,
            Border::Reflect101,
            Border::Wrap,
        ] {
            ours.extend_from_slice(numbers(&pad(&image, sides, &border).unwrap()));
        }
        let arguments = [width, height, channels.into()].map(|v: u32| v.to_string());
        let theirs = exchange::run(&python, SCRIPT, &arguments, numbers(&image));
        assert!(ours == theirs, "{width} × {height} × {channels}");
    }
}

/// Pillow's `exif_transpose` of the same pixels under each orientation.
#[test]
fn orientations_are_those_of_pillow() {
    const SCRIPT: &str = r"
import sys, io, numpy as np
from PIL import Image, ImageOps
w, h = map(int, sys.argv[1:3])
a = np.frombuffer(sys.stdin.buffer.read(), np.uint8).reshape(h, w, 3)
for k in range(1, 10):
    e = Image.Exif(); e[0x0112] = k
    f = io.BytesIO(); Image.fromarray(a).save(f, 'png', exif=e); f.seek(0)
    sys.stdout.buffer.write(np.asarray(ImageOps.exif_transpose(Image.open(f))).tobytes())
";
    let Some(python) =
        crate::common::python_or_skip("orientations_are_those_of_pillow", &["PIL", "numpy"])
    else {
        return;
    };
    let image = exchange::noisy(37, 22, 3);
    let mut ours = Vec::new();
    for exif in 1..10 {
        ours.extend_from_slice(numbers(&orient(&image, exif).unwrap()));
    }
    let arguments = ["37".to_string(), "22".to_string()];
    assert!(ours == exchange::run(&python, SCRIPT, &arguments, numbers(&image)));
}

/// Photos with each orientation in their EXIF: Pillow says which, and turns them upright.
#[test]
fn photos_stand_upright_as_in_pillow() {
    const SCRIPT: &str = r"
import sys, numpy as np
from PIL import Image, ImageOps
i = Image.open(sys.argv[1])
k, up = i.getexif().get(0x0112, 1), ImageOps.exif_transpose(i)
a, b = np.asarray(i.convert('RGB')), np.asarray(up.convert('RGB'))
sys.stdout.buffer.write(np.array([a.shape[1], a.shape[0], k], '<u4').tobytes() + a.tobytes() + b.tobytes())
";
    const NAME: &str = "photos_stand_upright_as_in_pillow";
    let Some(data) = crate::common::data_or_skip(NAME) else { return };
    let Some(python) = crate::common::python_or_skip(NAME, &["PIL", "numpy"]) else { return };
    for expected in 1..=8_u8 {
        let path = data.join(format!("generic/orientation/Landscape_{expected}.jpg"));
        let path = path.to_str().unwrap().to_string();
        let theirs = exchange::run(&python, SCRIPT, &[path], &[]);
        let (head, pixels) = theirs.split_at(12);
        let [width, height, exif] =
            [0, 4, 8].map(|i| u32::from_le_bytes(head[i..i + 4].try_into().unwrap()));
        assert_eq!(exif, u32::from(expected));
        let (lying, upright) = pixels.split_at(pixels.len() / 2);
        let image = Image::from_u8(width, height, 3, lying.to_vec()).unwrap();
        assert!(numbers(&orient(&image, expected).unwrap()) == upright, "{expected}");
    }
}
