//! `filter-background` on drawn series whose truth is known.

use std::collections::BTreeMap;
use std::sync::Arc;

use microtome::digest::Digest;
use microtome::image::{Image, png};
use microtome::slide::memory::Bytes;
use microtome::slide::{Limits, ReadAt};
use microtome::step::{Collected, Crew, Group, Made, Member, MemberWhat, Of, Out, Step};
use microtome::steps::filter_background::{Background, FilterBackground, Mode, Params, Scene};
use serde_json::{Map, Value, json};

/// A photo of a series: its file, and the columns it comes with.
#[derive(Clone)]
pub struct Photo {
    pub bytes: Vec<u8>,
    pub columns: BTreeMap<String, Value>,
}

impl Photo {
    pub fn new(bytes: Vec<u8>, time: &str) -> Self {
        let columns = BTreeMap::from([("exif.time".to_string(), json!(time))]);
        Self { bytes, columns }
    }
}

/// Runs the step over a series as the engine does, members ordered by digest; what is said comes back in the
/// order of `photos`.
pub fn run(params: &Params, photos: &[Photo], threads: usize) -> Vec<MemberWhat> {
    let mut order: Vec<(Digest, usize)> =
        photos.iter().enumerate().map(|(at, p)| (Digest::of(&p.bytes), at)).collect();
    order.sort();
    let members = order.iter().map(|&(digest, at)| {
        let bytes: Arc<dyn ReadAt> = Arc::new(Bytes(photos[at].bytes.clone()));
        let open = Box::new(move || Ok(bytes.clone()));
        Member::new(digest, photos[at].columns.clone(), Limits::default(), open)
    });
    let group = Group { members: members.collect(), of: Of::Items };
    let (step, crew) =
        (FilterBackground::new(params.clone()).unwrap(), Crew::new(threads).unwrap());
    let mut collected = Collected::default();
    step.run(group, &mut Out::new(&mut collected, &crew)).unwrap();
    let said: Vec<usize> = collected.members.iter().map(|m| m.0).collect();
    assert_eq!(said, (0..photos.len()).collect::<Vec<_>>(), "each member once, in order");
    let mut back: Vec<(usize, MemberWhat)> =
        order.iter().map(|o| o.1).zip(collected.members.into_iter().map(|m| m.1)).collect();
    back.sort_by_key(|b| b.0);
    back.into_iter().map(|b| b.1).collect()
}

/// What is said of a photo.
pub fn facts(what: &MemberWhat) -> &Map<String, Value> {
    match what {
        MemberWhat::Kept(facts) | MemberWhat::Dropped(facts) => facts,
        MemberWhat::Made(made) => &made.facts,
        MemberWhat::Failed(error) => panic!("{error}"),
    }
}

/// Draws that are the same every time.
pub struct Walk(pub u64);

impl Walk {
    pub fn below(&mut self, n: i32) -> i32 {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        ((self.0 >> 33) % n as u64) as i32
    }

    /// About normal, of this standard deviation.
    pub fn noise(&mut self, sigma: f64) -> f64 {
        let sum: i32 = (0..6).map(|_| self.below(1001)).sum();
        f64::from(sum - 3000) / 1000.0 * 2.0_f64.sqrt() * sigma
    }
}

pub const SIZE: (usize, usize) = (320, 240);

/// A textured scene in green and brown.
fn scene(walk: &mut Walk) -> Vec<f64> {
    let mut blocks = vec![[0_i32; 3]; 40 * 30];
    for block in &mut blocks {
        let v = walk.below(90);
        *block = [50 + v, 70 + v + walk.below(20), 40 + v / 2];
    }
    (0..SIZE.0 * SIZE.1)
        .flat_map(|at| blocks[at / SIZE.0 / 8 * 40 + at % SIZE.0 / 8].map(f64::from))
        .collect()
}

/// What is drawn into a frame.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Drawn {
    Nothing,
    /// A square of another colour: left, top, side.
    Animal(usize, usize, usize),
    /// A square in which everything is darker.
    Shadow(usize, usize, usize),
}

fn frame(scene: &[f64], drawn: Drawn, gain: f64, offset: f64, walk: &mut Walk) -> Vec<u8> {
    let mut pixels = Vec::with_capacity(scene.len());
    for (at, p) in scene.chunks_exact(3).enumerate() {
        let (x, y) = (at % SIZE.0, at / SIZE.0);
        let within =
            |(l, t, s): (usize, usize, usize)| (l..l + s).contains(&x) && (t..t + s).contains(&y);
        for (c, v) in p.iter().enumerate() {
            let v = match drawn {
                Drawn::Animal(l, t, s) if within((l, t, s)) => {
                    [150.0, 100.0, 60.0][c] - ((x + y) % 7 * 4) as f64
                }
                Drawn::Shadow(l, t, s) if within((l, t, s)) => v * 0.6,
                _ => *v,
            };
            pixels.push((v * gain + offset + walk.noise(3.0)).clamp(0.0, 255.0) as u8);
        }
    }
    png::encode(&Image::from_u8(SIZE.0 as u32, SIZE.1 as u32, 3, pixels).unwrap()).unwrap()
}

fn at(minute: usize, second: usize) -> String {
    format!(
        "2021-05-{:02}T{:02}:{:02}:{second:02}",
        1 + minute / 1440,
        minute / 60 % 24,
        minute % 60
    )
}

/// 12 visits of three frames each, ten minutes apart: an animal crosses in four of them, a shadow in two; the
/// light changes from frame to frame.
fn series() -> (Vec<Photo>, Vec<Drawn>) {
    let mut walk = Walk(5);
    let scene = scene(&mut walk);
    let (mut photos, mut truth) = (Vec::new(), Vec::new());
    for visit in 0..12 {
        for shot in 0..3 {
            let drawn = match visit {
                1 | 4 | 7 | 10 => Drawn::Animal(30 + 70 * shot + 3 * visit, 60 + 9 * visit, 24),
                3 | 8 => Drawn::Shadow(200 - 60 * shot, 40 + 10 * visit, 40),
                _ => Drawn::Nothing,
            };
            let gain = 0.75 + f64::from(walk.below(50)) / 100.0;
            let offset = f64::from(walk.below(20)) - 10.0;
            photos.push(Photo::new(
                frame(&scene, drawn, gain, offset, &mut walk),
                &at(visit * 10, shot),
            ));
            truth.push(drawn);
        }
    }
    (photos, truth)
}

#[test]
fn a_moving_square_is_found_and_nothing_else_is() {
    let (photos, truth) = series();
    for background in [Background::Median, Background::Mixture] {
        let said = run(&Params { background, ..Params::default() }, &photos, 2);
        for (what, drawn) in said.iter().zip(&truth) {
            let facts = facts(what);
            let verdict = facts["verdict"].as_str().unwrap();
            match drawn {
                Drawn::Nothing => assert_eq!(verdict, "empty", "{facts:?}"),
                // Not empty, and no animal either.
                Drawn::Shadow(..) => assert_eq!(verdict, "uncertain", "{facts:?}"),
                Drawn::Animal(l, t, s) => {
                    assert_eq!(verdict, "animal-likely", "{facts:?}");
                    let side = |name: &str| facts[name].as_i64().unwrap();
                    for (found, drawn) in
                        [("box_x_px", l), ("box_y_px", t), ("box_w_px", s), ("box_h_px", s)]
                    {
                        assert!((side(found) - *drawn as i64).abs() <= 3, "{found}: {facts:?}");
                    }
                    assert!(facts["motion_score"].as_f64().unwrap() > 0.004, "{facts:?}");
                }
            }
            assert_eq!((&facts["frames"], &facts["visits"]), (&json!(36), &json!(12)));
        }
    }
}

#[test]
fn the_order_of_rows_and_the_number_of_threads_change_nothing() {
    let (mut photos, _) = series();
    for background in [Background::Median, Background::Mixture] {
        let params = Params { background, mode: Mode::Mask, ..Params::default() };
        let first = run(&params, &photos, 1);
        photos.reverse();
        let mut second = run(&params, &photos, 3);
        photos.reverse();
        second.reverse();
        assert_eq!(first, second);
    }
}

#[test]
fn a_heron_that_stands_through_a_burst_is_never_empty() {
    let mut walk = Walk(9);
    let scene = scene(&mut walk);
    let heron = Drawn::Animal(140, 100, 40);
    let mut photos: Vec<Photo> = (0..10)
        .map(|shot| Photo::new(frame(&scene, heron, 1.0, 0.0, &mut walk), &at(0, shot)))
        .collect();
    for what in run(&Params::default(), &photos, 2) {
        assert_eq!(facts(&what)["verdict"], "uncertain");
    }
    // Ten frames of it against four empty ones, one by one: a visit has one voice.
    for hour in 1..5 {
        photos.push(Photo::new(
            frame(&scene, Drawn::Nothing, 1.0, 0.0, &mut walk),
            &at(hour * 60, 0),
        ));
    }
    let said = run(&Params::default(), &photos, 2);
    let verdicts: Vec<&str> = said.iter().map(|w| facts(w)["verdict"].as_str().unwrap()).collect();
    assert_eq!(
        (verdicts[..10].to_vec(), verdicts[10..].to_vec()),
        (vec!["animal-likely"; 10], vec!["empty"; 4])
    );
}

#[test]
fn the_empty_go_and_the_largest_box_is_cut_out() {
    let (photos, truth) = series();
    let params = Params {
        mode: Mode::Crop,
        format: microtome::steps::encode::Format::Png,
        ..Params::default()
    };
    for (what, drawn) in run(&params, &photos, 2).iter().zip(&truth) {
        match (what, drawn) {
            (MemberWhat::Dropped(_), Drawn::Nothing) | (MemberWhat::Kept(_), Drawn::Shadow(..)) => {
            }
            (
                MemberWhat::Made(Made { bytes, width_px, height_px, facts, .. }),
                Drawn::Animal(..),
            ) => {
                let crop = png::decode(bytes, 1 << 30).unwrap();
                assert_eq!((crop.width_px(), crop.height_px()), (*width_px, *height_px));
                let (w, h) =
                    (facts["box_w_px"].as_u64().unwrap(), facts["box_h_px"].as_u64().unwrap());
                let margin = w.max(h) / 10;
                assert_eq!(u64::from(*width_px), w + 2 * margin);
                // The middle of the crop is the animal's brown.
                let middle = ((height_px / 2 * width_px + width_px / 2) * 3) as usize;
                let p = &crop.as_u8().unwrap()[middle..middle + 3];
                assert!(p[0] > p[1] && p[1] > p[2], "{p:?}");
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn masks_have_the_size_of_the_photo_and_cover_the_animal() {
    let (photos, truth) = series();
    let params = Params { mode: Mode::Mask, working_px: 160, ..Params::default() };
    for (what, drawn) in run(&params, &photos, 2).iter().zip(&truth) {
        let MemberWhat::Made(made) = what else { panic!("{what:?}") };
        let mask = png::decode(&made.bytes, 1 << 30).unwrap();
        assert_eq!((mask.width_px(), mask.height_px(), mask.channels()), (320, 240, 1));
        let set = mask.as_u8().unwrap().iter().filter(|v| **v == 255).count();
        assert_eq!(set + mask.as_u8().unwrap().iter().filter(|v| **v == 0).count(), 320 * 240);
        match drawn {
            Drawn::Nothing => assert_eq!(set, 0),
            Drawn::Animal(_, _, s) => assert!(set.abs_diff(s * s) < s * s / 3, "{set}"),
            Drawn::Shadow(..) => assert!(set > 0),
        }
    }
}

#[test]
fn damaged_and_doubled_photos_are_marked() {
    let (mut photos, _) = series();
    photos.truncate(6);
    photos.push(photos[2].clone());
    let whole = photos[3].bytes.clone();
    photos.push(Photo::new(whole[..whole.len() / 2].to_vec(), &at(50, 0)));
    let said = run(&Params { near_duplicate_bits: 0, ..Params::default() }, &photos, 2);
    let (broken, reason) = (facts(&said[7]), "corrupt_reason");
    assert_eq!((&broken["verdict"], &broken["corrupt"]), (&json!("uncertain"), &json!(true)));
    assert!(broken[reason].as_str().unwrap().contains("PNG"), "{broken:?}");
    // Twins are alike to the last byte: which of the two rows is the double is the order's choice.
    let digest = json!(Digest::of(&photos[2].bytes).to_string());
    let doubles = [2, 6].iter().filter(|at| facts(&said[**at])["duplicate_of"] == digest).count();
    assert_eq!(doubles, 1);
    let drop =
        Params { mode: Mode::Drop, drop_corrupt: true, drop_duplicates: true, ..Params::default() };
    let dropped =
        run(&drop, &photos, 2).iter().filter(|w| matches!(w, MemberWhat::Dropped(_))).count();
    assert_eq!(dropped, 2, "too few visits for anything to be empty");
}

#[test]
fn boxes_of_a_detector_go_before_the_own_guess() {
    let (mut photos, truth) = series();
    for (at, (photo, drawn)) in photos.iter_mut().zip(&truth).enumerate() {
        // The detector missed every second animal, and found a person in one empty frame.
        let boxes = match drawn {
            _ if at == 0 => r#"[["person",0.9,0.1,0.1,0.2,0.5]]"#,
            Drawn::Animal(..) if at % 2 == 0 => r#"[["animal",0.8,0.25,0.5,0.25,0.25]]"#,
            _ => "[]",
        };
        photo.columns.insert("detector.boxes".into(), json!(boxes));
    }
    let said = run(&Params { mode: Mode::Crop, ..Params::default() }, &photos, 1);
    for (at, (what, drawn)) in said.iter().zip(&truth).enumerate() {
        let facts = facts(what);
        assert_eq!(facts["basis"], "detector");
        match (at, drawn, what) {
            (0, _, MemberWhat::Kept(_)) => {
                assert_eq!(facts["marks"].as_str().map(|m| m.contains("person")), Some(true))
            }
            (_, Drawn::Animal(..), MemberWhat::Made(made)) if at % 2 == 0 => {
                assert_eq!((&facts["box_x_px"], &facts["box_y_px"]), (&json!(80), &json!(120)));
                // 80 × 60 and 8 on each side.
                assert_eq!((made.width_px, made.height_px), (96, 76));
            }
            (_, _, MemberWhat::Dropped(_)) => assert_eq!(facts["verdict"], "empty"),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn patches_are_told_by_their_colours_and_photos_alone_are_uncertain() {
    let patch = |rgb: [u8; 3], ink: [u8; 3], share: usize| {
        let pixels = (0..64 * 64).flat_map(|at| if at % 64 < share { ink } else { rgb }).collect();
        Photo::new(png::encode(&Image::from_u8(64, 64, 3, pixels).unwrap()).unwrap(), "")
    };
    let glass = [243, 242, 244];
    let slide = Params { background: Background::None, scene: Scene::Slide, ..Params::default() };
    let verdict = |params: &Params, photo| {
        let said = run(params, &[photo], 1);
        facts(&said[0])["verdict"].as_str().unwrap().to_string()
    };
    assert_eq!(verdict(&slide, patch(glass, glass, 0)), "empty");
    assert_eq!(verdict(&slide, patch(glass, [200, 110, 170], 32)), "tissue-likely");
    assert_eq!(verdict(&slide, patch([200, 110, 170], [50, 130, 80], 10)), "empty");
    let alone = Params { background: Background::None, ..Params::default() };
    assert_eq!(verdict(&alone, patch([9, 9, 9], [9, 9, 9], 0)), "empty");
    assert_eq!(verdict(&alone, patch([9, 9, 9], [90, 9, 9], 10)), "uncertain");
    assert_eq!(verdict(&Params::default(), patch([9, 9, 9], [9, 9, 9], 0)), "uncertain");
}
