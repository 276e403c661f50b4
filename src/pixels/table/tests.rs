use super::*;

#[test]
fn tables_by_hand() {
    let line = Table::linear(1.5, -20.0);
    // −0.5 is 0, 1.0, 2.5 rounds away from zero, 362.5 is clipped.
    assert_eq!([0, 13, 14, 15, 255].map(|x| line.of(x)), [0, 0, 1, 3, 255]);
    assert_eq!([0, 127, 128, 255].map(|x| Table::invert().of(x)), [255, 128, 127, 0]);
    assert_eq!([0, 127, 128, 255].map(|x| Table::solarize(128).of(x)), [0, 127, 127, 0]);
    assert_eq!([0, 15, 16, 255].map(|x| Table::posterize(4).of(x)), [0, 0, 16, 240]);
    assert_eq!([0, 127, 128, 255].map(|x| Table::posterize(1).of(x)), [0, 0, 128, 128]);
    assert_eq!(Table::posterize(0), Table::new([0; 256]));
    assert_eq!(Table::posterize(8), Table::identity());
    assert_eq!(Table::posterize(200), Table::identity());
    // 255·√(64/255) = 127.75, 255·(64/255)² = 16.06.
    assert_eq!([0.5, 1.0, 2.0].map(|g| Table::gamma(g).of(64)), [128, 64, 16]);
    let stretch = Table::stretch(50.0, 150.0);
    assert_eq!([49, 50, 100, 149, 150, 200].map(|x| stretch.of(x)), [0, 0, 128, 252, 255, 255]);
    assert_eq!(Table::stretch(9.0, 9.0), Table::identity());
    assert_eq!(Table::stretch(f64::NAN, 9.0), Table::identity());
    assert_eq!(Table::linear(f64::NAN, 0.0), Table::new([0; 256]));
}

#[test]
fn one_table_after_the_other_is_one_table() {
    let (first, second) = (Table::gamma(0.6), Table::linear(1.7, -31.0));
    let both = first.then(&second);
    assert!((0..=255).all(|x| both.of(x) == second.of(first.of(x))));
    assert_eq!(first.then(&Table::identity()), first);
}

/// Every length of a rest behind the wide blocks, and every sample.
#[test]
fn wide_look_ups_are_single_ones() {
    let tables =
        [3, 5, 7].map(|k: u8| Table::from_fn(|x| x.wrapping_mul(k).rotate_left(3) ^ (k * 17)));
    for pixels in (0..200).chain([1000]) {
        let samples: Vec<u8> = (0..3 * pixels).map(|at| (at * 89 + at / 7) as u8).collect();
        let mut wide = samples.clone();
        tables[0].apply_bytes(&mut wide);
        let single: Vec<u8> = samples.iter().map(|x| tables[0].of(*x)).collect();
        assert_eq!(wide, single, "{pixels}");
        let mut wide = samples.clone();
        look_up_three([0, 1, 2].map(|c| tables[c].entries()), &mut wide);
        let single: Vec<u8> =
            samples.iter().enumerate().map(|(at, x)| tables[at % 3].of(*x)).collect();
        assert_eq!(wide, single, "{pixels}");
    }
}

#[test]
fn only_8_bit_grey_and_colours_of_rgb() {
    let mut deep = Image::new(1, 1, 1, Samples::U16(vec![7])).unwrap();
    assert!(Table::invert().apply(&mut deep).is_err());
    let tables = [Table::invert(), Table::invert(), Table::identity()];
    let mut grey = Image::from_u8(1, 1, 1, vec![7]).unwrap();
    assert!(apply_channels(&tables, &mut grey).is_err());
    let mut rgb = Image::from_u8(2, 1, 3, vec![1, 2, 3, 4, 5, 6]).unwrap();
    apply_channels(&tables, &mut rgb).unwrap();
    assert_eq!(rgb.as_u8(), Some(&[254, 253, 3, 251, 250, 6][..]));
}
