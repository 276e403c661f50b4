use proptest::prelude::*;

use super::*;

fn grey(samples: &[u8]) -> Image {
    Image::from_u8(samples.len() as u32, 1, 1, samples.to_vec()).unwrap()
}

fn rgb(samples: &[u8]) -> Image {
    Image::from_u8(samples.len() as u32 / 3, 1, 3, samples.to_vec()).unwrap()
}

#[test]
fn grey_by_hand() {
    let image = rgb(&[255, 0, 0, 0, 255, 0, 0, 0, 255, 255, 255, 255, 9, 9, 9]);
    // 0.299, 0.587 and 0.114 of 255: 76.2, 149.7, 29.1.
    assert_eq!(to_grey(&image).unwrap(), grey(&[76, 150, 29, 255, 9]));
    assert_eq!(to_grey(&grey(&[3, 4])).unwrap(), grey(&[3, 4]));
    assert_eq!(grey_to_rgb(&grey(&[3, 4])).unwrap(), rgb(&[3, 3, 3, 4, 4, 4]));
}

#[test]
fn channels_by_hand() {
    let mut image = rgb(&[1, 2, 3, 4, 5, 6]);
    channel_shuffle(&mut image, [2, 0, 1]).unwrap();
    assert_eq!(image, rgb(&[3, 1, 2, 6, 4, 5]));
    channel_shuffle(&mut image, [1, 1, 1]).unwrap();
    assert_eq!(image, rgb(&[1, 1, 1, 4, 4, 4]));
    assert!(channel_shuffle(&mut image, [0, 1, 3]).is_err());
    assert!(channel_shuffle(&mut grey(&[1, 2, 3]), [0, 1, 2]).is_err());
}

#[test]
fn blends_by_hand() {
    let blended = |share| {
        let mut image = grey(&[10, 20, 200, 0]);
        blend(&mut image, &grey(&[0, 30, 100, 255]), share).unwrap();
        image
    };
    // 2.5 and 27.5 round upwards; 125; 191.25.
    assert_eq!(blended(0.25), grey(&[3, 28, 125, 191]));
    assert_eq!(blended(1.0), grey(&[10, 20, 200, 0]));
    assert_eq!(blended(0.0), grey(&[0, 30, 100, 255]));
    // Away from the other: 20, 10, 300, −255, clipped.
    assert_eq!(blended(2.0), grey(&[20, 10, 255, 0]));
    assert_eq!(blended(-1.0), grey(&[0, 40, 0, 255]));
    let mut image = grey(&[1, 2, 3]);
    assert!(blend(&mut image, &grey(&[1, 2]), 0.5).is_err());
    assert!(blend(&mut image, &rgb(&[1, 2, 3]), 0.5).is_err());
}

#[test]
fn stains_by_hand() {
    let colours = [255, 255, 255, 120, 60, 150, 200, 90, 170, 30, 20, 60, 254, 250, 253];
    let mut still = rgb(&colours);
    hed_jitter(&mut still, [1.0; 3], [0.0; 3]).unwrap();
    for (found, expected) in still.as_u8().unwrap().iter().zip(colours) {
        assert!(found.abs_diff(expected) <= 1, "{found} for {expected}");
    }
    // White has no stain: whatever it is multiplied by, it stays white.
    let mut white = rgb(&[255; 6]);
    hed_jitter(&mut white, [0.5, 1.5, 2.0], [0.0; 3]).unwrap();
    assert_eq!(white, rgb(&[255; 6]));
    // All amounts twice are all densities twice: 255·(x/255)².
    let mut twice = rgb(&[100, 150, 200]);
    hed_jitter(&mut twice, [2.0; 3], [0.0; 3]).unwrap();
    for (found, expected) in twice.as_u8().unwrap().iter().zip([39.2, 88.2, 156.9]) {
        assert!((f64::from(*found) - expected).abs() <= 1.0, "{found} for {expected}");
    }
    // Hematoxylin (0.65, 0.70, 0.29) put on white: 255·exp(−0.65), 255·exp(−0.70), 255·exp(−0.29).
    let mut stained = rgb(&[255; 3]);
    hed_jitter(&mut stained, [1.0; 3], [1.0, 0.0, 0.0]).unwrap();
    let row = crate::stain::hed::HED[0];
    for (found, density) in stained.as_u8().unwrap().iter().zip(row) {
        let expected = 255.0 * (-density).exp();
        assert!((f64::from(*found) - expected).abs() <= 1.0, "{found} for {expected}");
    }
    assert!(hed_jitter(&mut white, [f64::NAN, 1.0, 1.0], [0.0; 3]).is_err());
    assert!(hed_jitter(&mut grey(&[1, 2, 3]), [1.0; 3], [0.0; 3]).is_err());
}

proptest! {
    /// Against the exact blend; a channel order and its inverse; grey of grey.
    #[test]
    fn blends_orders_and_greys(
        pixels in prop::collection::vec(any::<[u8; 6]>(), 1..80),
        share in -3.0..3.0_f64,
        order in Just(vec![0_u8, 1, 2]).prop_shuffle(),
    ) {
        let of = |from: usize| -> Vec<u8> {
            pixels.iter().flat_map(|six| six[from..from + 3].to_vec()).collect()
        };
        let (one, other) = (rgb(&of(0)), rgb(&of(3)));
        let mut blended = one.clone();
        blend(&mut blended, &other, share).unwrap();
        for ((found, x), y) in blended.as_u8().unwrap().iter().zip(of(0)).zip(of(3)) {
            let exact = f64::from(y) + share * (f64::from(x) - f64::from(y));
            prop_assert!((f64::from(*found) - exact.clamp(0.0, 255.0)).abs() < 0.51);
        }
        let mut moved = one.clone();
        channel_shuffle(&mut moved, [order[0], order[1], order[2]]).unwrap();
        let back = [0, 1, 2].map(|c| order.iter().position(|from| *from == c).unwrap() as u8);
        channel_shuffle(&mut moved, back).unwrap();
        prop_assert_eq!(&moved, &one);
        let grey = to_grey(&one).unwrap();
        prop_assert_eq!(to_grey(&grey_to_rgb(&grey).unwrap()).unwrap(), grey);
    }
}
