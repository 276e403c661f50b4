use proptest::prelude::*;

use super::*;

fn grey(samples: &[u8]) -> Image {
    Image::from_u8(samples.len() as u32, 1, 1, samples.to_vec()).unwrap()
}

fn rgb(samples: &[u8]) -> Image {
    Image::from_u8(samples.len() as u32 / 3, 1, 3, samples.to_vec()).unwrap()
}

fn some(counts: &Counts) -> Vec<(usize, u32)> {
    counts.iter().copied().enumerate().filter(|(_, n)| *n > 0).collect()
}

#[test]
fn counts_by_hand() {
    let all = counts(&grey(&[0, 7, 7, 255, 7, 0, 9, 7, 7, 255])).unwrap();
    assert_eq!(all.len(), 1);
    assert_eq!(some(&all[0]), [(0, 2), (7, 5), (9, 1), (255, 2)]);
    let all = counts(&rgb(&[1, 2, 3, 1, 5, 3, 0, 2, 3])).unwrap();
    let [red, green, blue] = &all[..] else { panic!("three channels") };
    assert_eq!(some(red), [(0, 1), (1, 2)]);
    assert_eq!(some(green), [(2, 2), (5, 1)]);
    assert_eq!(some(blue), [(3, 3)]);
    assert!(counts(&Image::from_u8(1, 1, 4, vec![1; 4]).unwrap()).is_err());
}

#[test]
fn percentiles_by_hand() {
    let all = counts(&grey(&[10, 20, 20, 40])).unwrap();
    let of = |percent| percentile(&all[0], percent);
    // Ranks 0 to 3; 5/6 of the way is half-way between ranks 2 and 3.
    assert_eq!([of(0.0), of(50.0), of(100.0), of(-5.0), of(900.0)], [10.0, 20.0, 40.0, 10.0, 40.0]);
    assert!((of(250.0 / 3.0) - 30.0).abs() < 1e-9);
    assert_eq!(percentile(&[0; 256], 50.0), 0.0);
}

#[test]
fn stretches_by_hand() {
    let mut image = grey(&[50, 100, 101, 150]);
    stretch(&mut image, 0.0, 100.0, Over::Lab).unwrap();
    // (x − 50)·2.55: 127.5 and 130.05.
    assert_eq!(image, grey(&[0, 128, 130, 255]));
    // By channels each has its own ends; one that is flat stays.
    let mut image = rgb(&[50, 0, 9, 100, 51, 9, 150, 255, 9]);
    stretch(&mut image, 0.0, 100.0, Over::Channels).unwrap();
    assert_eq!(image, rgb(&[0, 0, 9, 128, 51, 9, 255, 255, 9]));
    // Over luma, greys are as they would be without colours.
    let mut image = rgb(&[50, 50, 50, 100, 100, 100, 150, 150, 150]);
    stretch(&mut image, 0.0, 100.0, Over::Luma).unwrap();
    assert_eq!(image, rgb(&[0, 0, 0, 128, 128, 128, 255, 255, 255]));
}

#[test]
fn equalizing_by_hand() {
    // Cumulated without the lowest: 0, 2/4, 3/4, 4/4 of 255; 127.5 goes to even.
    let mut image = grey(&[5, 60, 60, 70, 200]);
    equalize(&mut image, Over::Lab).unwrap();
    assert_eq!(image, grey(&[0, 128, 128, 191, 255]));
    let mut flat = grey(&[9, 9]);
    equalize(&mut flat, Over::Lab).unwrap();
    assert_eq!(flat, grey(&[9, 9]));
}

#[test]
fn matching_by_hand() {
    let of = |samples: &[u8]| counts(&grey(samples)).unwrap()[0];
    // Half of the samples at or below 10, all at or below 20: as in the reference at 100 and 200.
    let table = match_to(&of(&[10, 20]), &of(&[100, 200, 100, 200]));
    assert_eq!([10, 20].map(|x| table.of(x)), [100, 200]);
    // A quantile of 3/4 lies half-way between 100 (1/2) and 200 (1).
    let table = match_to(&of(&[1, 2, 3, 4]), &of(&[100, 200]));
    assert_eq!([1, 2, 3, 4].map(|x| table.of(x)), [100, 100, 150, 200]);
    assert_eq!(match_to(&of(&[1]), &[0; 256]), Table::identity());
}

proptest! {
    #[test]
    fn counts_are_those_of_a_plain_loop(samples in prop::collection::vec(any::<u8>(), 1..300)) {
        let mut plain = [0_u32; 256];
        samples.iter().for_each(|x| plain[usize::from(*x)] += 1);
        prop_assert_eq!(counts(&grey(&samples)).unwrap()[0], plain);
        let pixels: Vec<u8> = samples.iter().flat_map(|x| [*x, x / 2, 255 - x]).collect();
        let all = counts(&rgb(&pixels)).unwrap();
        prop_assert_eq!(all[0], plain);
        plain.reverse();
        prop_assert_eq!(all[2], plain);
        prop_assert_eq!(all[1].iter().sum::<u32>() as usize, samples.len());
    }

    /// Levels keep their order, the highest becomes white, and what follows is one table.
    #[test]
    fn equalizing_keeps_the_order(samples in prop::collection::vec(any::<u8>(), 2..300)) {
        let counts = counts(&grey(&samples)).unwrap()[0];
        let table = equalizing(&counts);
        let met: Vec<u8> = (0..=255).filter(|x| counts[usize::from(*x)] > 0).collect();
        prop_assert!(met.windows(2).all(|two| table.of(two[0]) <= table.of(two[1])));
        if met.len() > 1 {
            prop_assert_eq!((table.of(met[0]), table.of(met[met.len() - 1])), (0, 255));
        }
        let mut image = grey(&samples);
        equalize(&mut image, Over::Lab).unwrap();
        Table::gamma(0.7).apply(&mut image).unwrap();
        let mut once = grey(&samples);
        table.then(&Table::gamma(0.7)).apply(&mut once).unwrap();
        prop_assert_eq!(image, once);
    }

    /// A picture matched to itself stays; greys are treated alike over lightness, luma and channels.
    #[test]
    fn matching_to_itself_changes_nothing(samples in prop::collection::vec(any::<u8>(), 1..300)) {
        let counts = counts(&grey(&samples)).unwrap()[0];
        let table = match_to(&counts, &counts);
        prop_assert!(samples.iter().all(|x| table.of(*x) == *x));
        let colourless: Vec<u8> = samples.iter().flat_map(|x| [*x; 3]).collect();
        let mut alone = grey(&samples);
        equalize(&mut alone, Over::Lab).unwrap();
        for over in [Over::Luma, Over::Channels] {
            let mut image = rgb(&colourless);
            equalize(&mut image, over).unwrap();
            let red: Vec<u8> = image.as_u8().unwrap().iter().step_by(3).copied().collect();
            prop_assert_eq!(&red[..], alone.as_u8().unwrap());
        }
    }
}
