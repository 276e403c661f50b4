//! Rows of blurs, noise, weather and degradation: one call each on 512 × 512 RGB8.

use std::hint::black_box;

use microtome::image::Image;
use microtome::pixels::{blur, degrade, dropout, noise, weather};
use microtome::random::Stream;

/// A row: its name, and one call of what it measures.
pub type Row = (&'static str, Box<dyn FnMut()>);

/// 512 × 512 RGB8 of slopes with some texture: `peers_blur.py` makes the same.
fn picture() -> Image {
    let bytes = (0..512_u32)
        .flat_map(|y| (0..512_u32).map(move |x| (x, y)))
        .flat_map(|(x, y)| {
            [x / 2 + (x * y) % 37, y / 2 + (x ^ y) % 29, (x + y) / 4 + (3 * x + 7 * y) % 41]
        })
        .map(|level| level.min(255) as u8)
        .collect();
    Image::from_u8(512, 512, 3, bytes).expect("a picture")
}

fn row(
    name: &'static str,
    mut work: impl FnMut(&Image) -> microtome::Result<Image> + 'static,
) -> Row {
    let image = picture();
    let call = move || {
        black_box(work(black_box(&image)).expect(name));
    };
    (name, Box::new(call))
}

/// All rows.
pub fn rows() -> Vec<Row> {
    let mut streams = (0..8).map(|key| Stream::from_key([key; 16]));
    let mut drawn = |work: fn(&Image, &mut Stream) -> microtome::Result<Image>| {
        let mut stream = streams.next().expect("a stream");
        move |image: &Image| work(image, &mut stream)
    };
    let mut rows = vec![
        row("box blur 5", |i| blur::box_blur(i, 5)),
        row("box blur 31", |i| blur::box_blur(i, 31)),
        row("gaussian blur 5", |i| blur::gaussian_kernel(i, 5, 0.0)),
        row("gaussian blur sigma 3", |i| blur::gaussian(i, 3.0)),
        row("gaussian blur sigma 20", |i| blur::gaussian(i, 20.0)),
        row("median 3", |i| blur::median(i, 3)),
        row("median 5", |i| blur::median(i, 5)),
        row("median 15", |i| blur::median(i, 15)),
        row("motion blur 9", |i| blur::motion(i, 9, 30.0)),
        row("defocus 5", |i| blur::defocus(i, 5, 0.5)),
        row("sharpen", |i| blur::sharpen(i, 0.4, 1.0)),
        row("jpeg degradation 50", |i| degrade::jpeg(i, 50)),
        row("downscale 0.25", |i| degrade::downscale(i, 0.25, degrade::Up::Linear)),
        row("downscale 0.25, squares of means", |i| {
            degrade::downscale(i, 0.25, degrade::Up::Nearest)
        }),
    ];
    rows.push(row("gaussian noise", drawn(|i, s| noise::gaussian(i, 25.0, 0.0, true, s))));
    let strength = noise::Iso { colour_shift: 0.03, intensity: 0.3 };
    let mut stream = Stream::from_key([9; 16]);
    rows.push(row("iso noise", move |i| noise::iso(i, strength, &mut stream)));
    rows.push(row("shot noise", drawn(|i, s| noise::shot(i, 5.0, s))));
    rows.push(row(
        "fog",
        drawn(|i, s| {
            let fog =
                weather::Fog { density: 0.5, patchiness: 0.5, patch_px: 64, colour: [230; 3] };
            weather::fog(i, &fog, s)
        }),
    ));
    rows.push(row(
        "rain",
        drawn(|i, s| {
            let rain = weather::Rain {
                streaks: 500,
                length_px: 20,
                width_px: 1,
                slant_px: 5,
                colour: [200; 3],
                opacity: 0.7,
                blur_px: 3,
                brightness: 0.7,
            };
            weather::rain(i, &rain, s)
        }),
    ));
    rows.push(row(
        "shadow",
        drawn(|i, s| {
            let drawn = weather::Shadow::draw((512, 512), (0.0, 0.5, 1.0, 1.0), 2, 5, 0.5, s);
            weather::shadow(i, &drawn)
        }),
    ));
    rows.push(row(
        "sun flare",
        drawn(|i, s| {
            let (colour, opacity) = ([255; 3], 0.8);
            let sun = weather::Disc { x_px: 200.0, y_px: 100.0, radius_px: 200.0, colour, opacity };
            weather::sun_flare(i, &weather::SunFlare::draw((512, 512), sun, 8, s))
        }),
    ));
    rows.push(row(
        "coarse dropout",
        drawn(|i, s| {
            let holes = dropout::draw((512, 512), 8, (25, 25), (50, 50), s);
            dropout::coarse(i, &holes, dropout::Fill::Colour([0; 3]))
        }),
    ));
    rows
}
