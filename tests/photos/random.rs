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
        assert!(Stream::from_key_text(wrong).is_err() || wrong == text, "{wrong}");
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
    // Frozen: a changed name is a changed augmentation for everyone.
    assert_eq!(Stream::of(0, &item, 0, 0).key_text(), "d6da80becc93f727ee4bd8427cb6f403");
}
