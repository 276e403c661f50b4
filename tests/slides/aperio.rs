//! A real Aperio slide, pixel by pixel against OpenSlide.

use microtome::slide::read_region;

use crate::{common, data};

/// Grey levels by which a pixel may differ. libjpeg-turbo decodes on both sides: none are expected.
const TOLERANCE: u8 = 2;

/// Side of the slide's tiles, and of the regions that are compared.
const SIDE: u32 = 240;

#[test]
fn every_aligned_region_is_openslides() {
    let test = "every_aligned_region_is_openslides";
    let Some(folder) = common::data_or_skip(test) else { return };
    let path = folder.join("wsi/aperio/cmu-1-small-region.svs");
    let slide = data::open(&path).unwrap();
    let shape = slide.geometry().levels[0].clone();
    let raw = data::scratch("aperio").join("level0.rgb");
    let name = path.to_string_lossy();
    let Some(_) = data::python(test, &["level0", &name, &raw.to_string_lossy()]) else { return };
    let theirs = std::fs::read(raw).unwrap();
    let stride = shape.width_px as usize * 3;
    assert_eq!(theirs.len(), stride * shape.height_px as usize);
    let (mut compared, mut differing, mut largest) = (0_u64, 0_u64, 0);
    for y in (0..shape.height_px).step_by(SIDE as usize) {
        for x in (0..shape.width_px).step_by(SIDE as usize) {
            let width = SIDE.min(shape.width_px - x);
            let height = SIDE.min(shape.height_px - y);
            let ours = read_region(&*slide, 0, x.into(), y.into(), width, height, 0).unwrap();
            let row_bytes = width as usize * 3;
            for (i, row) in ours.image.as_u8().unwrap().chunks_exact(row_bytes).enumerate() {
                let at = (y as usize + i) * stride + x as usize * 3;
                for (a, b) in row.iter().zip(&theirs[at..at + row_bytes]) {
                    compared += 1;
                    differing += u64::from(a != b);
                    largest = largest.max(a.abs_diff(*b));
                }
            }
        }
    }
    eprintln!("{differing} of {compared} samples differ from OpenSlide, by at most {largest}");
    assert_eq!(compared, theirs.len() as u64);
    assert!(largest <= TOLERANCE);
}

#[test]
fn geometry_and_pictures_are_openslides() {
    let test = "geometry_and_pictures_are_openslides";
    let Some(folder) = common::data_or_skip(test) else { return };
    let path = folder.join("wsi/aperio/cmu-1-small-region.svs");
    let slide = data::open(&path).unwrap();
    let geometry = slide.geometry();
    assert_eq!(geometry.mpp, Some((0.499, 0.499)));
    assert_eq!(geometry.objective, Some(20.0));
    assert_eq!(geometry.levels[0].compression, "jpeg");
    assert_eq!((geometry.channels, geometry.bit_depth), (3, 8));
    let expected = [("thumbnail", 574, 768), ("label", 387, 463), ("macro", 1280, 431)];
    let found: Vec<_> =
        geometry.associated.iter().map(|(name, w, h)| (name.as_str(), *w, *h)).collect();
    assert_eq!(found, expected);
    for (name, width, height) in expected {
        let ours = slide.associated(name).unwrap();
        assert_eq!((ours.width_px(), ours.height_px()), (width, height));
        let raw = data::scratch("aperio").join(format!("{name}.rgb"));
        let arguments = ["associated", &*path.to_string_lossy(), name, &*raw.to_string_lossy()];
        let Some(_) = data::python(test, &arguments) else { return };
        let theirs = std::fs::read(raw).unwrap();
        let ours = ours.as_u8().unwrap();
        assert_eq!(ours.len(), theirs.len());
        let largest = ours.iter().zip(&theirs).map(|(a, b)| a.abs_diff(*b)).max();
        assert!(largest <= Some(TOLERANCE), "{name} differs by {largest:?}");
    }
    assert!(slide.associated("barcode").is_err());
}

#[test]
fn jpeg_2000_is_refused_with_a_way_out() {
    let test = "jpeg_2000_is_refused_with_a_way_out";
    let Some(folder) = common::data_or_skip(test) else { return };
    let Err(error) = data::open(&folder.join("wsi/aperio/tcga-cr-7395-01a-01-ts1.svs")) else {
        panic!("opened a codec that is not there");
    };
    assert_eq!(error.kind(), "unsupported");
    assert!(error.to_string().contains("jpeg2000"), "{error}");
    assert!(error.remedy().contains("TIFF"), "{}", error.remedy());
}

#[test]
fn threads_read_the_same_pixels() {
    let Some(folder) = common::data_or_skip("threads_read_the_same_pixels") else { return };
    let slide = data::open(&folder.join("wsi/aperio/cmu-1-small-region.svs")).unwrap();
    let (cols, rows) = slide.geometry().levels[0].grid();
    let read = || {
        let tiles = (0..rows).flat_map(|row| (0..cols).map(move |col| (col, row)));
        let all: Vec<u8> = tiles
            .flat_map(|(col, row)| data::bytes(&slide.read_tile(0, col, row).unwrap()))
            .collect();
        data::sha256(&all)
    };
    let alone = read();
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(read)).collect();
        for thread in threads {
            assert_eq!(thread.join().unwrap(), alone);
        }
    });
}
