//! Streams: named, replayed, and distributed as they say.

use microtome::digest::Digest;
use microtome::random::Stream;

#[test]
fn a_stream_is_drawn_again_from_its_recorded_key() {
    let mut stream = Stream::of(1, &Digest::of(b"photo"), 2, 3);
    let text = stream.key_text();
    let words: Vec<u32> = (0..9).map(|_| stream.next_u32()).collect();
    let mut again = Stream::from_key_text(&text).unwrap();
    assert_eq!((0..9).map(|_| again.next_u32()).collect::<Vec<_>>(), words);
    let mut later = Stream::from_key(stream.key());
    later.skip(5);
    assert_eq!((later.next_u32(), later.position()), (words[5], 6));
    for wrong in ["", "0123", &text.to_uppercase(), &format!("{text}0"), "g".repeat(32).as_str()] {
        assert!(Stream::from_key_text(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn every_part_of_what_is_drawn_for_makes_another_stream() {
    let item = Digest::of(b"photo");
    let streams = [
        Stream::of(0, &item, 0, 0),
        Stream::of(1, &item, 0, 0),
        Stream::of(0, &item, 1, 0),
        Stream::of(0, &item, 0, 1),
        Stream::of(0, &Digest::of(b"other"), 0, 0),
    ];
    let mut keys = streams.map(|stream| stream.key()).to_vec();
    keys.sort_unstable();
    keys.dedup();
    assert_eq!(keys.len(), 5);
    // Frozen: a changed name is a changed augmentation for everyone. The name and the words were worked
    // out in Python from the definition.
    let mut stream = Stream::of(0, &item, 0, 0);
    assert_eq!(stream.key_text(), "d6da80becc93f727ee4bd8427cb6f403");
    let mut words = [0; 8];
    stream.fill_u32(&mut words);
    #[rustfmt::skip]
    assert_eq!(words, [
        0xdcf2_5752, 0x5260_b0d9, 0x1e67_3047, 0x5758_c779,
        0x4dfb_709d, 0x3342_53a4, 0xb631_a502, 0x8982_89df,
    ]);
}

/// Bounds are four standard errors; streams are fixed, so they hold once and for all.
#[test]
fn draws_are_distributed_as_they_say() {
    const N: u32 = 100_000;
    let mut stream = Stream::from_key([21; 16]);
    let (mut sum, mut squares) = (0.0, 0.0);
    for _ in 0..N {
        let z = stream.normal();
        (sum, squares) = (sum + z, squares + z * z);
    }
    let n = f64::from(N);
    assert!((sum / n).abs() < 4.0 / n.sqrt() && (squares / n - 1.0).abs() < 4.0 * (2.0 / n).sqrt());

    let mut uniform: Vec<f64> = (0..N).map(|_| stream.uniform()).collect();
    uniform.sort_unstable_by(f64::total_cmp);
    let distance = uniform.iter().enumerate().map(|(i, u)| (u - (i as f64 + 0.5) / n).abs());
    assert!(distance.fold(0.0, f64::max) < 1.63 / n.sqrt());

    let mut counts = [0_i32; 7];
    for _ in 0..70_000 {
        counts[stream.below(7) as usize] += 1;
    }
    assert!(counts.iter().all(|count| (count - 10_000).abs() < 400), "{counts:?}");
    assert_eq!((stream.below(0), stream.below(1)), (0, 0));

    let weights = [1.0, 0.0, 3.0, f64::NAN, -5.0, 6.0];
    let mut chosen = [0_i32; 6];
    for _ in 0..10_000 {
        chosen[stream.choose(&weights).unwrap()] += 1;
    }
    assert_eq!([chosen[1], chosen[3], chosen[4]], [0; 3]);
    assert!((chosen[0] - 1000).abs() < 120 && (chosen[2] - 3000).abs() < 190, "{chosen:?}");
    assert_eq!(stream.choose(&[0.0, f64::NAN]), None);

    let happened = (0..10_000).filter(|_| stream.chance(0.2)).count();
    assert!(happened.abs_diff(2000) < 160);
    assert!(!(0..1000).any(|_| stream.chance(0.0)) && (0..1000).all(|_| stream.chance(1.0)));
}

#[test]
fn each_order_is_as_likely() {
    let mut stream = Stream::from_key([22; 16]);
    let mut counts = std::collections::BTreeMap::new();
    for _ in 0..24_000 {
        let mut order = [0, 1, 2, 3];
        stream.shuffle(&mut order);
        *counts.entry(order).or_insert(0_i32) += 1;
    }
    assert!(counts.len() == 24 && counts.values().all(|count| (count - 1000).abs() < 130));
}
