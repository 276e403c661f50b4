//! Geometry, resize and warp: what each costs on a photo of 512 × 512 pixels.

use microtome::image::Image;
use microtome::pixels::geometry::{self, Border, Sides};
use microtome::pixels::resize::{self, Filter, Light, Resizer};
use microtome::pixels::warp::{self, Affine, Homography, Interpolation, Map};
use microtome::random::Stream;

/// A picture with edges and shades, the same as `peers_geom.py` draws.
pub fn picture(side: u32) -> Image {
    let mut data = Vec::with_capacity(side as usize * side as usize * 3);
    for y in 0..side {
        for x in 0..side {
            data.push(((x * 7 + y * 3) % 256) as u8);
            data.push(((x ^ y) % 256) as u8);
            data.push(((x * y / 64) % 256) as u8);
        }
    }
    Image::from_u8(side, side, 3, data).expect("a picture")
}

/// The affine motion of the rows: a turn by 17° about the centre, 10 % larger.
fn motion(side: f64) -> [[f64; 3]; 2] {
    let centre = ((side - 1.0) / 2.0, (side - 1.0) / 2.0);
    let forth = Affine::rotate(centre, 17.0).then(&Affine::scale(centre, (1.1, 1.1)));
    forth.inverse().expect("an inverse").rows
}

/// The perspective of the rows: the corners of the output and where they come from.
fn tilt(side: f64) -> [[f64; 3]; 3] {
    let last = side - 1.0;
    let to = [(0.0, 0.0), (last, 0.0), (last, last), (0.0, last)];
    let from = [(20.0, 30.0), (last - 10.0, 5.0), (last - 40.0, last - 20.0), (15.0, last - 35.0)];
    Homography::from_points(&to, &from).expect("a motion").rows
}

/// One named row for each work.
pub fn rows() -> Vec<crate::Row> {
    let size = (512, 512);
    let black = Border::Constant([0; 4]);
    fn row(
        image: &Image,
        mut work: impl FnMut(&Image) -> microtome::Result<Image> + 'static,
    ) -> Box<dyn FnMut()> {
        let image = image.clone();
        Box::new(move || {
            std::hint::black_box(work(std::hint::black_box(&image)).expect("an image"));
        })
    }
    let photo = picture(512);
    let large = picture(1024);
    let sides = Sides { left: 32, top: 32, right: 32, bottom: 32 };
    let (motion, tilt) = (motion(512.0), tilt(512.0));
    let mut rows = vec![
        ("flip-horizontal", row(&photo, geometry::flip_horizontal)),
        ("flip-vertical", row(&photo, geometry::flip_vertical)),
        ("rotate-90", row(&photo, |i| geometry::rotate_quarter(i, 1))),
        ("rotate-180", row(&photo, |i| geometry::rotate_quarter(i, 2))),
        ("transpose", row(&photo, geometry::transpose)),
        ("crop-224", row(&photo, |i| geometry::crop(i, 100, 90, 224, 224))),
        ("pad-reflect", row(&photo, move |i| geometry::pad(i, sides, &Border::Reflect101))),
    ];
    for (name, filter, light) in [
        ("resize-1024-256-box", Filter::Box, Light::Gamma),
        ("resize-1024-256-bilinear", Filter::Bilinear, Light::Gamma),
        ("resize-1024-256-catmull-rom", Filter::CatmullRom, Light::Gamma),
        ("resize-1024-256-lanczos3", Filter::Lanczos3, Light::Gamma),
        ("resize-1024-256-bilinear-linear", Filter::Bilinear, Light::Linear),
    ] {
        let mut resizer = Resizer::new();
        let work = move |i: &Image| resize::resize(&mut resizer, i, (256, 256), filter, light);
        rows.push((name, row(&large, work)));
    }
    for (name, filter) in [
        ("pillow-1024-256-bilinear", Filter::Bilinear),
        ("pillow-1024-256-lanczos3", Filter::Lanczos3),
    ] {
        rows.push((name, row(&large, move |i| resize::pillow(i, (256, 256), filter))));
    }
    for (name, interpolation) in
        [("affine-bilinear", Interpolation::Bilinear), ("affine-nearest", Interpolation::Nearest)]
    {
        let work = move |i: &Image| warp::affine(i, &motion, size, interpolation, &black);
        rows.push((name, row(&photo, work)));
    }
    rows.push((
        "perspective-bilinear",
        row(&photo, move |i| warp::perspective(i, &tilt, size, Interpolation::Bilinear, &black)),
    ));
    let map = Map::elastic(size, 60.0, 6.0, &mut Stream::from_key([7; 16])).expect("a map");
    rows.push((
        "remap-bilinear",
        row(&photo, move |i| warp::remap(i, &map, Interpolation::Bilinear, &black)),
    ));
    for (name, sigma) in [("elastic-sigma-6", 6.0), ("elastic-sigma-50", 50.0)] {
        let mut stream = Stream::from_key([8; 16]);
        let work = move |i: &Image| {
            let map = Map::elastic(size, 60.0, sigma, &mut stream)?;
            warp::remap(i, &map, Interpolation::Bilinear, &black)
        };
        rows.push((name, row(&photo, work)));
    }
    let steps = [1.2, 0.8, 1.1, 0.9, 1.0];
    let work = move |i: &Image| {
        let map = Map::grid(size, 5, 5, &steps, &steps)?;
        warp::remap(i, &map, Interpolation::Bilinear, &black)
    };
    rows.push(("grid-distortion", row(&photo, work)));
    rows
}
