use super::*;

#[test]
fn what_is_clipped_is_spread_evenly() {
    let mut counts = [0; 256];
    counts[7] = 600;
    clip(&mut counts, 86);
    // 514 over: 2 for each level, and 2 left: levels 0 and 128.
    assert_eq!([0, 1, 7, 128, 255].map(|x| counts[x]), [3, 2, 88, 3, 2]);
    assert_eq!(counts.iter().sum::<u32>(), 600);
}

#[test]
fn behind_the_image_it_is_mirrored() {
    let axis = Axis { tiles: 1, tile: 9, size: 4 };
    let seen: Vec<usize> = (0..9).map(|at| axis.mirrored(at)).collect();
    assert_eq!(seen, [0, 1, 2, 3, 2, 1, 0, 1, 2]);
    assert_eq!(Axis { tiles: 1, tile: 3, size: 1 }.mirrored(2), 0);
}

#[test]
fn pixels_lie_between_the_middles_of_tiles() {
    let axis = Axis { tiles: 2, tile: 4, size: 8 };
    let of = |at| {
        let Between { first, second, share } = axis.between(at);
        (first, second, share)
    };
    assert_eq!(of(0), (0, 0, 0.5));
    assert_eq!(of(2), (0, 1, 0.0));
    assert_eq!(of(5), (0, 1, 0.75));
    assert_eq!(of(7), (1, 1, 0.25));
}

#[test]
fn one_tile_without_a_limit_is_the_cumulated_histogram() {
    let image = Image::from_u8(4, 1, 1, vec![10, 10, 20, 30]).unwrap();
    let changed = clahe(&image, 0.0, (1, 1), Over::Lab).unwrap();
    assert_eq!(changed.as_u8().unwrap(), [128, 128, 191, 255]); // 127.5 goes to even
}

#[test]
fn wrong_numbers_are_refused() {
    let image = Image::from_u8(2, 1, 1, vec![1, 2]).unwrap();
    assert!(clahe(&image, f64::NAN, (8, 8), Over::Lab).is_err());
    assert!(clahe(&image, 2.0, (0, 8), Over::Lab).is_err());
    assert!(clahe(&image, 2.0, (8, 257), Over::Lab).is_err());
    assert!(clahe(&image, 2.0, (8, 8), Over::Lab).is_ok());
}
