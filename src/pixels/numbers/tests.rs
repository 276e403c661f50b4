use super::*;

fn image(w: u32, h: u32, channels: u8) -> Image {
    let n = w * h * u32::from(channels);
    let samples = (0..n).map(|at| (at * 37 + at / 5) as u8).collect();
    Image::from_u8(w, h, channels, samples).unwrap()
}

#[test]
fn numbers_by_hand() {
    let image = Image::from_u8(2, 1, 3, vec![0, 51, 255, 255, 102, 0]).unwrap();
    let array = Numbers::UNIT.of(&image).unwrap();
    assert_eq!(array.shape, [3, 1, 2]);
    assert_eq!(array.data, Data::F32(vec![0.0, 1.0, 0.2, 0.4, 1.0, 0.0]));
    let half = Numbers { mean: [0.5; 3], std: [0.5; 3], layout: Layout::Hwc, kind: Kind::F16 };
    let array = half.of(&image).unwrap();
    assert_eq!(array.shape, [1, 2, 3]);
    let expected = [-1.0, -0.6, 1.0, 1.0, -0.2, -1.0].map(f16::from_f64);
    assert_eq!(array.data, Data::F16(expected.to_vec()));
    let bytes = Numbers { kind: Kind::U8, ..Numbers::IMAGENET };
    assert_eq!(bytes.of(&image).unwrap().data, Data::U8(vec![0, 255, 51, 102, 255, 0]));
    let deep = Image::new(2, 1, 1, Samples::U16(vec![13107, 65535])).unwrap();
    assert_eq!(Numbers::UNIT.of(&deep).unwrap().data, Data::F32(vec![0.2, 1.0]));
}

/// Each number is that of `f64`, rounded once, whatever the way, layout and size.
#[test]
fn numbers_are_rounded_once() {
    let mut worked_out = 0;
    for k in 0..100 {
        let mean = [0, 1, 2].map(|c| f64::from(k * 7 + c * 31) / 1000.0);
        let std = [0, 1, 2].map(|c| 0.05 + f64::from((k * 13 + c * 29) % 100) / 130.0);
        for (layout, channels, w) in
            [(Layout::Chw, 3, 37), (Layout::Hwc, 3, 37), (Layout::Chw, 1, 300), (Layout::Hwc, 3, 5)]
        {
            let image = image(w, 9, channels);
            let numbers = Numbers { mean, std, layout, kind: Kind::F32 };
            let array = numbers.of(&image).unwrap();
            let Data::F32(found) = &array.data else { panic!("not floats") };
            let (n, channels) = (w as usize * 9, usize::from(channels));
            for (at, x) in image.as_u8().unwrap().iter().enumerate() {
                let (pixel, c) = (at / channels, at % channels);
                let place = if layout == Layout::Chw { c * n + pixel } else { at };
                let (s, b) = (1.0 / (255.0 * std[c]), -mean[c] / std[c]);
                assert_eq!(found[place].to_bits(), ((f64::from(*x) * s + b) as f32).to_bits());
            }
            worked_out +=
                (0..3).filter(|c| Line::new(numbers.scale(*c, 255.0)).is_worked_out()).count();
        }
    }
    // Else most would take the slow way.
    assert!(worked_out > 1100, "{worked_out} of 1200");
    for (mean, std) in Numbers::IMAGENET.mean.into_iter().zip(Numbers::IMAGENET.std) {
        assert!(Line::new((1.0 / (255.0 * std), -mean / std)).is_worked_out());
    }
}

#[test]
fn memory_is_used_again_and_a_wrong_image_leaves_it() {
    let mut array = Numbers::IMAGENET.of(&image(8, 8, 3)).unwrap();
    Numbers::UNIT.write(&image(4, 2, 3), &mut array).unwrap();
    assert_eq!(array, Numbers::UNIT.of(&image(4, 2, 3)).unwrap());
    let before = array.clone();
    let deep = Image::new(1, 1, 1, Samples::U16(vec![1])).unwrap();
    assert!(Numbers { kind: Kind::U8, ..Numbers::UNIT }.write(&deep, &mut array).is_err());
    assert!(Numbers { std: [0.0; 3], ..Numbers::UNIT }.write(&deep, &mut array).is_err());
    assert!(Numbers { mean: [f64::NAN; 3], ..Numbers::UNIT }.write(&deep, &mut array).is_err());
    assert!(Numbers::UNIT.write(&image(1, 1, 4), &mut array).is_err());
    assert_eq!(array, before);
}
