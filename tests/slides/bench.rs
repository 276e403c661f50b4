//! A large pyramid, when there is one.

use microtome::slide::read_region;

use crate::{common, data};

#[test]
fn a_large_pyramid_is_openslides() {
    let test = "a_large_pyramid_is_openslides";
    let path = common::bench().map(|folder| folder.join("bench_he_8000x6000_q80.tif"));
    let Some(path) = path.filter(|path| path.is_file()) else {
        return common::skip(test, "no slides for benchmarks");
    };
    let name = path.to_string_lossy();
    let Some(answer) = data::python(test, &["geometry", &name]) else { return };
    let slide = data::open(&path).unwrap();
    let geometry = slide.geometry();
    assert_eq!(data::differs(geometry, &serde_json::from_str(&answer).unwrap()), [""; 0]);
    let raw = data::scratch("bench").join("region.rgb");
    let (mut compared, mut differing, mut largest) = (0_u64, 0_u64, 0);
    for (level, shape) in geometry.levels.iter().enumerate() {
        // OpenSlide wants pixels of level 0: take positions that are whole on this level too.
        let scale = shape.downsample_x.round() as i64;
        let (x, y) = (i64::from(shape.width_px) / 3, i64::from(shape.height_px) / 3);
        let width = 700.min(shape.width_px - x as u32);
        let height = 500.min(shape.height_px - y as u32);
        let numbers = [level as i64, x * scale, y * scale, width.into(), height.into()];
        let texts = numbers.map(|n| n.to_string());
        let mut arguments = vec!["region", &*name];
        arguments.extend(texts.iter().map(String::as_str));
        let out = raw.to_string_lossy();
        arguments.push(&out);
        if f64::from(shape.width_px) * scale as f64 != f64::from(geometry.levels[0].width_px)
            || f64::from(shape.height_px) * scale as f64 != f64::from(geometry.levels[0].height_px)
        {
            continue;
        }
        data::python(test, &arguments).unwrap();
        let theirs = std::fs::read(&raw).unwrap();
        let ours = read_region(&*slide, level, x, y, width, height, 0).unwrap();
        let ours = ours.image.as_u8().unwrap();
        assert_eq!(ours.len(), theirs.len());
        for (a, b) in ours.iter().zip(&theirs) {
            compared += 1;
            differing += u64::from(a != b);
            largest = largest.max(a.abs_diff(*b));
        }
    }
    eprintln!("{differing} of {compared} samples differ from OpenSlide, by at most {largest}");
    assert!(compared > 0 && largest <= 2);
}
