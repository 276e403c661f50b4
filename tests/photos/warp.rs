//! Warps: on arrays small enough to read, as laws, and against OpenCV.

use microtome::image::Image;
use microtome::pixels::geometry::{Border, rotate_quarter};
use microtome::pixels::warp::{Affine, Homography, Interpolation, Map, affine, perspective, remap};
use microtome::random::Stream;
use proptest::prelude::*;

use crate::exchange;

const BLACK: Border = Border::Constant([0; 4]);

#[test]
fn half_a_pixel_is_the_mean_of_two() {
    let image = Image::from_u8(3, 2, 1, vec![10, 20, 40, 50, 60, 80]).unwrap();
    let shift = [[1.0, 0.0, 0.5], [0.0, 1.0, 0.0]];
    let moved = |interpolation, border: &Border| {
        affine(&image, &shift, (3, 2), interpolation, border).unwrap().as_u8().unwrap().to_vec()
    };
    assert_eq!(moved(Interpolation::Bilinear, &Border::Replicate), [15, 30, 40, 55, 70, 80]);
    assert_eq!(moved(Interpolation::Bilinear, &BLACK), [15, 30, 20, 55, 70, 40]);
    assert_eq!(moved(Interpolation::Nearest, &BLACK), [20, 40, 0, 60, 80, 0]);
    let down = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.25]];
    let moved = affine(&image, &down, (3, 1), Interpolation::Bilinear, &BLACK).unwrap();
    assert_eq!(moved.as_u8().unwrap(), [20, 30, 50]);
    let wrong = [[f64::NAN, 0.0, 0.0], [0.0, 1.0, 0.0]];
    let error = affine(&image, &wrong, (3, 2), Interpolation::Nearest, &BLACK).unwrap_err();
    assert_eq!(error.kind(), "params");
}

#[test]
fn a_quarter_turn_is_the_quarter_turn() {
    for channels in 1..=4 {
        let image = exchange::noisy(61, 61, channels);
        let back = Affine::rotate((30.0, 30.0), 90.0).inverse().unwrap();
        for interpolation in [Interpolation::Nearest, Interpolation::Bilinear] {
            let turned = affine(&image, &back.rows, (61, 61), interpolation, &BLACK).unwrap();
            assert_eq!(turned, rotate_quarter(&image, 1).unwrap());
            let tilt = Homography::from_affine(&back).rows;
            let turned = perspective(&image, &tilt, (61, 61), interpolation, &BLACK).unwrap();
            assert_eq!(turned, rotate_quarter(&image, 1).unwrap());
        }
    }
}

#[test]
fn nothing_is_done_by_nothing() {
    for channels in 1..=4 {
        let image = exchange::noisy(140, 70, channels);
        let still = Map::elastic((140, 70), 0.0, 3.0, &mut Stream::from_key([1; 16])).unwrap();
        let grid = Map::grid((140, 70), 2, 3, &[1.0; 2], &[1.0; 3]).unwrap();
        assert_eq!(still, grid);
        for interpolation in [Interpolation::Nearest, Interpolation::Bilinear] {
            assert_eq!(remap(&image, &still, interpolation, &BLACK).unwrap(), image);
        }
    }
}

#[test]
fn matrices_undo_what_they_do() {
    let motion = Affine::rotate((10.0, 20.0), 33.0)
        .then(&Affine::scale((5.0, 5.0), (1.5, 0.7)))
        .then(&Affine::shear((3.0, 4.0), (10.0, -5.0)))
        .then(&Affine::translate(7.0, -2.0));
    let back = motion.inverse().unwrap();
    let (x, y) = motion.apply(12.5, -3.25);
    let (x, y) = back.apply(x, y);
    assert!((x - 12.5).abs() < 1e-9 && (y + 3.25).abs() < 1e-9);
    assert!(Affine::scale((0.0, 0.0), (0.0, 1.0)).inverse().is_none());
    // Counter-clockwise as seen: what was right of the centre is above it.
    assert_eq!(Affine::rotate((0.0, 0.0), 90.0).apply(1.0, 0.0), (0.0, -1.0));
    let from = [(0.0, 0.0), (100.0, 0.0), (100.0, 80.0), (0.0, 80.0)];
    let to = [(3.0, 9.0), (90.0, -4.0), (110.0, 70.0), (-8.0, 88.0)];
    let tilt = Homography::from_points(&from, &to).unwrap();
    for (&(x, y), &(u, v)) in from.iter().zip(&to) {
        let (a, b) = tilt.apply(x, y).unwrap();
        assert!((a - u).abs() < 1e-9 && (b - v).abs() < 1e-9);
        let (a, b) = tilt.inverse().unwrap().apply(u, v).unwrap();
        assert!((a - x).abs() < 1e-9 && (b - y).abs() < 1e-9);
    }
    let line = [(0.0, 0.0), (1.0, 1.0), (2.0, 2.0), (0.0, 5.0)];
    assert!(Homography::from_points(&line, &to).is_none());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn points_follow_their_map(
        name in any::<[u8; 16]>(), alpha in 0.0..120.0_f64, sigma in 4.0..20.0_f64,
        x in 20.0..180.0_f64, y in 20.0..130.0_f64,
    ) {
        let elastic = Map::elastic((200, 150), alpha, sigma, &mut Stream::from_key(name)).unwrap();
        let grid = Map::grid((200, 150), 3, 2, &[1.4, 0.6, 1.0], &[0.7, 1.3]).unwrap();
        for map in [elastic, grid] {
            if let Some((u, v)) = map.forward(x, y) {
                let (a, b) = map.back(u, v);
                prop_assert!((a - x).abs() < 0.05 && (b - y).abs() < 0.05, "{} {}", a - x, b - y);
            } else {
                prop_assert!(false, "no point shows ({x}, {y})");
            }
        }
    }
}

/// The displacements of σ pixels are as smooth, and as large, as a Gaussian makes them.
#[test]
fn elastic_noise_is_gaussian_smooth() {
    for sigma in [2.0, 7.5, 20.0] {
        let map = Map::elastic((640, 640), 1000.0, sigma, &mut Stream::from_key([3; 16])).unwrap();
        let mut sum = 0.0;
        for y in 0..640 {
            for x in 0..640 {
                let (u, v) = map.back(x.into(), y.into());
                sum += (u - f64::from(x)).powi(2) + (v - f64::from(y)).powi(2);
            }
        }
        // Variance of uniform noise is 1/3; a Gaussian mean leaves 1/(4πσ²) of it.
        let found = (sum / (2.0 * 640.0 * 640.0)).sqrt();
        let expected = 1000.0 * (1.0 / 3.0 / (4.0 * std::f64::consts::PI)).sqrt() / sigma;
        assert!((found / expected - 1.0).abs() < 0.15, "σ {sigma}: {found} for {expected}");
    }
}

/// OpenCV's `warpAffine` and `warpPerspective` of the same picture: 4.14 gives the same pixels. The
/// tolerance is for versions whose positions are not rounded to 1/32 pixel.
#[test]
fn opencv_sees_the_same() {
    const SCRIPT: &str = r"
import sys, numpy as np, cv2
w, h, c = map(int, sys.argv[1:4])
m = np.array(list(map(float, sys.argv[4:13]))).reshape(3, 3)
a = np.frombuffer(sys.stdin.buffer.read(), np.uint8).reshape(h, w, c)
a = cv2.GaussianBlur(a, (0, 0), 2).reshape(h, w, c)
sys.stdout.buffer.write(a.tobytes())
for f in (cv2.INTER_NEAREST, cv2.INTER_LINEAR):
    for b in (cv2.BORDER_CONSTANT, cv2.BORDER_REPLICATE, cv2.BORDER_REFLECT_101):
        f |= cv2.WARP_INVERSE_MAP
        sys.stdout.buffer.write(cv2.warpAffine(a, m[:2], (w, h), flags=f, borderMode=b).tobytes())
        t = m.copy(); t[2] = [1e-4, -2e-4, 1]
        sys.stdout.buffer.write(cv2.warpPerspective(a, t, (w, h), flags=f, borderMode=b).tobytes())
";
    let Some(python) = crate::common::python_or_skip("opencv_sees_the_same", &["cv2"]) else {
        return;
    };
    for (width, height, channels) in [(256, 200, 3), (131, 90, 1), (97, 133, 4)] {
        let image = exchange::noisy(width, height, channels);
        let centre = (f64::from(width) / 2.0, f64::from(height) / 2.0);
        let m = Affine::rotate(centre, 17.0).then(&Affine::scale(centre, (1.1, 0.9))).rows;
        let tilt = [m[0], m[1], [1e-4, -2e-4, 1.0]];
        let mut arguments: Vec<String> =
            [width, height, channels.into()].map(|v: u32| v.to_string()).into();
        arguments.extend(m.iter().chain([&[0.0, 0.0, 1.0]]).flatten().map(f64::to_string));
        let theirs = exchange::run(&python, SCRIPT, &arguments, image.as_u8().unwrap());
        let mut parts = theirs.chunks_exact(image.as_u8().unwrap().len());
        let smooth = parts.next().unwrap().to_vec();
        let image = Image::from_u8(width, height, channels, smooth).unwrap();
        for interpolation in [Interpolation::Nearest, Interpolation::Bilinear] {
            for border in [BLACK, Border::Replicate, Border::Reflect101] {
                let size = (width, height);
                let flat = affine(&image, &m, size, interpolation, &border).unwrap();
                let deep = perspective(&image, &tilt, size, interpolation, &border).unwrap();
                for (what, ours) in [("affine", flat), ("perspective", deep)] {
                    let ours = ours.as_u8().unwrap();
                    let (count, most) = exchange::difference(ours, parts.next().unwrap());
                    let sum = format!("{what} {interpolation:?} {border:?}: {count} by {most}");
                    eprintln!("{sum} of {}", ours.len());
                    match interpolation {
                        // A centre half-way between pixels may fall to either side.
                        Interpolation::Nearest => assert!(count * 200 < ours.len(), "{sum}"),
                        Interpolation::Bilinear => assert!(most <= 3, "{sum}"),
                    }
                }
            }
        }
    }
}

/// OpenCV's view of real photos. Rounding a position to 1/32 pixel moves it by 1/64 at most along each
/// axis: with edges of 255 levels that is 8 levels, and 1 for rounding them.
#[test]
fn opencv_sees_the_same_of_photos() {
    const SCRIPT: &str = r"
import sys, numpy as np, cv2
a = cv2.imread(sys.argv[1], cv2.IMREAD_COLOR); h, w = a.shape[:2]
m = np.array(list(map(float, sys.argv[2:11]))).reshape(3, 3)
y, x = np.mgrid[0:h, 0:w].astype(np.float32)
out = [np.array([w, h], '<u4'), a]
for f in (cv2.INTER_NEAREST, cv2.INTER_LINEAR):
    out.append(cv2.warpAffine(a, m[:2], (w, h), flags=f | cv2.WARP_INVERSE_MAP))
    out.append(cv2.warpPerspective(a, m, (w, h), flags=f | cv2.WARP_INVERSE_MAP))
    out.append(cv2.remap(a, x * np.float32(0.875) + np.float32(3.3), y + x * np.float32(0.0625), f))
sys.stdout.buffer.write(b''.join(o.tobytes() for o in out))
";
    const NAME: &str = "opencv_sees_the_same_of_photos";
    let Some(data) = crate::common::data_or_skip(NAME) else { return };
    let Some(python) = crate::common::python_or_skip(NAME, &["cv2"]) else { return };
    let m =
        Affine::rotate((200.0, 150.0), 17.0).then(&Affine::scale((90.0, 70.0), (1.1, 0.9))).rows;
    let tilt = [m[0], m[1], [1e-4, -5e-5, 1.0]];
    for name in ["chelsea.png", "coffee.png", "kodim17.png"] {
        let path = data.join("generic/photo").join(name);
        let mut arguments = vec![path.to_str().unwrap().to_string()];
        arguments.extend(tilt.iter().flatten().map(f64::to_string));
        let theirs = exchange::run(&python, SCRIPT, &arguments, &[]);
        let (head, pixels) = theirs.split_at(8);
        let [width, height] =
            [0, 4].map(|i| u32::from_le_bytes(head[i..i + 4].try_into().unwrap()));
        let size = (width, height);
        let mut parts = pixels.chunks_exact(pixels.len() / 7);
        let image = Image::from_u8(width, height, 3, parts.next().unwrap().to_vec()).unwrap();
        let map = Map::from_fn(size, |x, y| {
            (f64::from(x) * 0.875 + 3.3, f64::from(y) + f64::from(x) * 0.0625)
        })
        .unwrap();
        for interpolation in [Interpolation::Nearest, Interpolation::Bilinear] {
            let ours = [
                affine(&image, &m, size, interpolation, &BLACK).unwrap(),
                perspective(&image, &tilt, size, interpolation, &BLACK).unwrap(),
                remap(&image, &map, interpolation, &BLACK).unwrap(),
            ];
            for (what, ours) in ["affine", "perspective", "remap"].into_iter().zip(ours) {
                let ours = ours.as_u8().unwrap();
                let (count, most) = exchange::difference(ours, parts.next().unwrap());
                let sum = format!("{name} {what} {interpolation:?}: {count} by {most}");
                eprintln!("{sum} of {}", ours.len());
                match interpolation {
                    // A centre half-way between pixels may fall to either side, and every sixteenth
                    // column of this map lies there: 2.7 % of the samples of chelsea.png.
                    Interpolation::Nearest => assert!(count * 25 < ours.len(), "{sum}"),
                    Interpolation::Bilinear => assert!(most <= 9, "{sum}"),
                }
            }
        }
    }
}
