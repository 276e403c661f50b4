//! Boxes, keypoints and masks go where the pixels go: tried by drawing.

use microtome::error::Result;
use microtome::image::{Image, Samples};
use microtome::steps::augment::apply::apply;
use microtome::steps::augment::picture::{Move, Picture};
use microtome::steps::augment::policy::Node;
use microtome::steps::targets::{
    BoxFormat, BoxRules, Keypoint, Leg, Moved, Outline, OutsideBoxes, OutsidePoints, PointOrigin,
    PointRules, Why, mask, move_boxes, move_points, read_boxes, read_points, write_boxes,
    write_points,
};
use serde_json::{Value, json};

const SIZE: (u32, u32) = (61, 47);
const FORMATS: [BoxFormat; 4] =
    [BoxFormat::Coco, BoxFormat::Voc, BoxFormat::Yolo, BoxFormat::Albumentations];

fn node(value: Value) -> Node {
    serde_json::from_value(value).unwrap()
}

/// A white rectangle (left, top, right, bottom) on black.
fn drawn([left, top, right, bottom]: [u32; 4], size: (u32, u32)) -> Image {
    let white = |x, y| (left..right).contains(&x) && (top..bottom).contains(&y);
    let pixels = (0..size.1).flat_map(|y| (0..size.0).map(move |x| u8::from(white(x, y)) * 255));
    Image::from_u8(size.0, size.1, 1, pixels.collect()).unwrap()
}

/// Does the ops, and gives the image and the way of its places.
fn done(ops: &[Value], image: &Image) -> (Image, Vec<Move>) {
    let mut picture = Picture::new(image, None, 1 << 30).unwrap();
    for op in ops {
        apply(&node(op.clone()), &mut picture).unwrap();
    }
    let (image, _, moves) = picture.finish().unwrap();
    (image.into_owned(), moves)
}

fn legs(moves: &[Move]) -> Vec<Leg<'_>> {
    moves.iter().map(|m| Leg { motion: &m.motion, after: m.after }).collect()
}

fn voc(text: &str, size: (u32, u32)) -> Result<Vec<microtome::steps::targets::LabelledBox>> {
    read_boxes(text, BoxFormat::Voc, size, OutsideBoxes::Refuse)
}

fn moved(rectangle: [u32; 4], size: (u32, u32), moves: &[Move], rules: &BoxRules) -> Moved {
    move_boxes(voc(&json!([rectangle]).to_string(), size).unwrap(), &legs(moves), rules)
}

/// The bound of the pixels above half, in edges.
fn seen(image: &Image) -> Option<[f64; 4]> {
    let (mut found, width) = (None::<[u32; 4]>, image.width_px() as usize);
    for (at, _) in image.as_u8().unwrap().iter().enumerate().filter(|(_, v)| **v > 127) {
        let (x, y) = ((at % width) as u32, (at / width) as u32);
        let [l, t, r, b] = found.unwrap_or([x, y, x, y]);
        found = Some([l.min(x), t.min(y), r.max(x + 1), b.max(y + 1)]);
    }
    found.map(|bound| bound.map(f64::from))
}

fn four(moved: &Moved) -> Option<[f64; 4]> {
    moved.kept.first().map(|it| {
        let b = it.bounds;
        [b.left, b.top, b.right, b.bottom]
    })
}

/// The ways of placing a rectangle: in the middle, at each edge, one pixel, the whole frame.
fn rectangles() -> Vec<[u32; 4]> {
    let (w, h) = SIZE;
    vec![
        [7, 5, 20, 31],
        [0, 0, 3, 4],
        [50, 40, w, h],
        [60, 0, 61, 1],
        [30, 20, 31, 21],
        [0, 0, w, h],
    ]
}

#[test]
fn boxes_bound_exactly_the_pixels_they_bounded_before() {
    let crop = |x: f64, y: f64| json!({"crop": {"width_px": 30, "height_px": 25, "x": [x, x], "y": [y, y]}});
    let ways: Vec<Vec<Value>> = vec![
        vec![json!({"horizontal-flip": {}})],
        vec![json!({"vertical-flip": {}})],
        vec![json!({"transpose": {}})],
        vec![json!({"rot90": {"turns": [1, 1]}})],
        vec![json!({"rot90": {"turns": [2, 2]}})],
        vec![json!({"rot90": {"turns": [3, 3]}})],
        vec![crop(0.0, 0.0)],
        vec![crop(0.5, 1.0)],
        vec![json!({"pad": {"left_px": 5, "top_px": 1, "right_px": 2, "bottom_px": 9}})],
        vec![json!({"affine": {"angle_deg": [0, 0], "scale": [1, 1], "interpolation": "nearest",
            "translate_x": [6.0 / 61.0, 6.0 / 61.0], "translate_y": [-4.0 / 47.0, -4.0 / 47.0]}})],
        vec![json!({"resize": {"width_px": 122, "height_px": 141, "filter": "nearest"}})],
        vec![
            json!({"rot90": {"turns": [1, 1]}}),
            crop(0.2, 0.9),
            json!({"horizontal-flip": {}}),
            json!({"pad": {"min_width_px": 64, "min_height_px": 64}}),
        ],
    ];
    let mut cut_away = 0;
    for ops in &ways {
        for rectangle in rectangles() {
            let (image, moves) = done(ops, &drawn(rectangle, SIZE));
            let moved = moved(rectangle, SIZE, &moves, &BoxRules::default());
            let expected = seen(&image);
            let found = four(&moved);
            cut_away += usize::from(expected.is_none());
            match (expected, found) {
                (None, None) => assert_eq!(moved.dropped, [(0, Why::Outside)], "{ops:?}"),
                (Some(a), Some(b)) => {
                    let off = a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
                    // A share of the frame as a fraction is not exact; all else is.
                    let allowed = if ops[0].get("affine").is_some() { 1e-9 } else { 0.0 };
                    assert!(off <= allowed, "{ops:?} {rectangle:?}: {a:?} {b:?}");
                }
                other => panic!("{ops:?} {rectangle:?}: {other:?}"),
            }
        }
    }
    assert!(cut_away >= 4, "{cut_away}");
}

#[test]
fn boxes_are_within_a_pixel_after_what_bends_and_turns() {
    let ways: Vec<(Value, f64)> = vec![
        (json!({"rotate": {"angle_deg": [30, 30]}}), 1.0),
        (json!({"rotate": {"angle_deg": [-101.5, -101.5]}}), 1.0),
        (
            json!({"affine": {"angle_deg": [12, 12], "scale": [0.7, 0.7], "scale_y": [1.2, 1.2],
            "shear_x_deg": [9, 9], "translate_x": [0.03, 0.03], "translate_y": [-0.05, -0.05]}}),
            1.0,
        ),
        (json!({"resize": {"width_px": 100, "height_px": 77}}), 1.0),
        (json!({"perspective": {"scale": [0.1, 0.1], "key": KEY}}), 1.0),
        (
            json!({"elastic": {"alpha_px": [300, 300], "sigma_px": [12, 12], "border": "constant",
            "key": KEY}}),
            1.0,
        ),
        (
            json!({"grid-distortion": {"stretch": [0.3, 0.3], "border": "constant", "key": KEY}}),
            1.0,
        ),
    ];
    let size = (201, 171);
    for (op, allowed) in &ways {
        for rectangle in [[40, 30, 110, 130], [90, 20, 150, 60], [70, 70, 101, 101]] {
            let (image, moves) = done(std::slice::from_ref(op), &drawn(rectangle, size));
            let moved = moved(rectangle, size, &moves, &BoxRules::default());
            let (a, b) = (seen(&image).unwrap(), four(&moved).unwrap());
            // The tip of a corner is thinner than a pixel, so what is seen ends before it: by less than
            // a pixel and a half where it is sharp.
            for (edge, sign) in [(0, 1.0), (1, 1.0), (2, -1.0), (3, -1.0)] {
                let inside = (a[edge] - b[edge]) * sign;
                assert!(
                    (-allowed..=allowed + 0.5).contains(&inside),
                    "{op} {rectangle:?} {a:?} {b:?}"
                );
            }
        }
    }
}

/// The name of a stream, as a record has it.
const KEY: &str = "0123456789abcdef0123456789abcdef";

#[test]
fn there_and_back_is_where_it_was() {
    let text = "[[3.25,4.5,20.75,33.125,\"a\"],[0,0,61,47,\"b\"],[60,46,61,47,\"c\"]]";
    let boxes = voc(text, SIZE).unwrap();
    let points = read_points("[[0,0,\"a\"],[60,46,\"b\"],[12.25,7.5]]", SIZE, PointOrigin::Centres);
    let points = points.unwrap();
    let flip = |name: &str| vec![json!({name: {}}), json!({name: {}})];
    let turns = |n: u32| vec![json!({"rot90": {"turns": [n, n]}}); 4];
    let ways =
        [flip("horizontal-flip"), flip("vertical-flip"), flip("transpose"), turns(1), turns(3)];
    for ops in ways {
        let (_, moves) = done(&ops, &drawn([0, 0, 1, 1], SIZE));
        let back = move_boxes(boxes.clone(), &legs(&moves), &BoxRules::default());
        assert_eq!(back, Moved { kept: boxes.clone(), dropped: vec![] }, "{ops:?}");
        assert_eq!(write_boxes(&back.kept, BoxFormat::Voc, SIZE), text);
        let back = move_points(points.clone(), &legs(&moves), &PointRules::default());
        assert_eq!(back.kept, points, "{ops:?}");
    }
}

#[test]
fn worked_out_by_hand() {
    // Width 10: the box over columns 2–4 covers 5–7 after a flip, the centre of column 2 is that of 7.
    let (_, moves) = done(&[json!({"horizontal-flip": {}})], &drawn([0, 0, 1, 1], (10, 4)));
    let coco =
        read_boxes("[[2,1,3,2,\"boar\",0.5]]", BoxFormat::Coco, (10, 4), OutsideBoxes::Refuse);
    let there = move_boxes(coco.unwrap(), &legs(&moves), &BoxRules::default());
    assert_eq!(write_boxes(&there.kept, BoxFormat::Coco, (10, 4)), "[[5,1,3,2,\"boar\",0.5]]");
    for (origin, expected) in [(PointOrigin::Centres, 7.0), (PointOrigin::Edges, 8.0)] {
        let points = read_points("[[2, 1]]", (10, 4), origin).unwrap();
        let there = move_points(points, &legs(&moves), &PointRules::default());
        assert_eq!(write_points(&there.kept, origin), format!("[[{expected},1]]"));
    }
    // A square that is turned by 45° is √2 as wide; the circle in it stays.
    let (_, moves) =
        done(&[json!({"rotate": {"angle_deg": [45, 45]}})], &drawn([0, 0, 1, 1], (100, 100)));
    let turned = |outline| {
        moved([40, 40, 60, 60], (100, 100), &moves, &BoxRules { outline, ..BoxRules::default() })
    };
    let corners = four(&turned(Outline::Corners)).unwrap();
    let ellipse = four(&turned(Outline::Ellipse)).unwrap();
    let reach = 10.0 * 2_f64.sqrt();
    for (found, expected) in
        corners.iter().zip([50.0 - reach, 50.0 - reach, 50.0 + reach, 50.0 + reach])
    {
        assert!((found - expected).abs() < 1e-9, "{corners:?}");
    }
    for (found, expected) in ellipse.iter().zip([40.0, 40.0, 60.0, 60.0]) {
        assert!((found - expected).abs() < 2e-3, "{ellipse:?}");
    }
}

#[test]
fn twice_turned_is_bounded_once() {
    // 20° and back: bounding after each op would give a box 1.6 times as wide.
    let ops =
        [json!({"rotate": {"angle_deg": [20, 20]}}), json!({"rotate": {"angle_deg": [-20, -20]}})];
    let (_, moves) = done(&ops, &drawn([0, 0, 1, 1], (100, 100)));
    let back = four(&moved([40, 40, 60, 60], (100, 100), &moves, &BoxRules::default())).unwrap();
    assert!(
        back.iter().zip([40.0, 40.0, 60.0, 60.0]).all(|(a, b)| (a - b).abs() < 1e-9),
        "{back:?}"
    );
}

#[test]
fn what_leaves_the_frame_follows_the_rule() {
    let half = json!({"crop": {"width_px": 50, "height_px": 100, "x": [0, 0], "y": [0, 0]}});
    let again = json!({"pad": {"right_px": 50}});
    let (_, moves) = done(&[half, again], &drawn([0, 0, 1, 1], (100, 100)));
    let boxes = "[[40,0,60,10],[50,0,60,10],[45,0,55,10],[49,0,59,100]]";
    let visible = |min_visibility, min_width_px| {
        let rules = BoxRules { min_visibility, min_width_px, ..BoxRules::default() };
        let moved = move_boxes(voc(boxes, (100, 100)).unwrap(), &legs(&moves), &rules);
        (write_boxes(&moved.kept, BoxFormat::Voc, (100, 100)), moved.dropped)
    };
    // The second only touches the frame. Room that a pad makes later does not bring anything back.
    let three = "[[40,0,50,10],[45,0,50,10],[49,0,50,100]]";
    assert_eq!(visible(0.0, 0.0), (three.into(), vec![(1, Why::Outside)]));
    assert_eq!(visible(0.5, 0.0).1, [(1, Why::Outside), (3, Why::Hidden)]);
    assert_eq!(visible(0.5, 6.0).1, [(1, Why::Outside), (2, Why::Small), (3, Why::Hidden)]);

    let text =
        "[[49,0,\"in\"],[50,0,\"out\"],[60,5,\"out\",2],[60,5,\"hidden\",1],[0,0,\"none\",0]]";
    let points = read_points(text, (100, 100), PointOrigin::Centres).unwrap();
    let rule = |outside| PointRules { outside, ..PointRules::default() };
    let dropped = move_points(points.clone(), &legs(&moves), &rule(OutsidePoints::Drop));
    assert_eq!(
        write_points(&dropped.kept, PointOrigin::Centres),
        "[[49,0,\"in\"],[0,0,\"none\",0]]"
    );
    assert_eq!(dropped.dropped, [1, 2, 3]);
    let flagged = move_points(points, &legs(&moves), &rule(OutsidePoints::Flag));
    assert_eq!(
        write_points(&flagged.kept, PointOrigin::Centres),
        "[[49,0,\"in\"],[50,0,\"out\",false],[60,5,\"out\",1],[60,5,\"hidden\",1],[0,0,\"none\",0]]"
    );
    assert_eq!((flagged.flagged, flagged.dropped.len()), (2, 0));
}

#[test]
fn formats_say_the_same() {
    let [coco, voc, yolo, relative] = FORMATS;
    let size = (200, 100);
    let one = [
        (coco, "[[50,10,100,40,\"x\"]]"),
        (voc, "[[50,10,150,50,\"x\"]]"),
        (yolo, "[[0.5,0.3,0.5,0.4,\"x\"]]"),
        (relative, "[[0.25,0.1,0.75,0.5,\"x\"]]"),
    ];
    for (from, text) in one {
        let boxes = read_boxes(text, from, size, OutsideBoxes::Refuse).unwrap();
        let b = boxes[0].bounds;
        let found = [b.left, b.top, b.right, b.bottom];
        assert!(found.iter().zip([50.0, 10.0, 150.0, 50.0]).all(|(a, b)| (a - b).abs() < 1e-12));
        assert_eq!(write_boxes(&boxes, from, size), text);
    }
    let object = r#"[{"bbox":[1,2,3,4],"category_id":7,"iscrowd":0}]"#;
    let boxes = read_boxes(object, coco, size, OutsideBoxes::Refuse).unwrap();
    assert_eq!(write_boxes(&boxes, coco, size), object);
}

#[test]
fn a_wrong_box_is_named() {
    let message = |text: &str, format| {
        read_boxes(text, format, (200, 100), OutsideBoxes::Refuse).unwrap_err().to_string()
    };
    let coco = |text: &str| message(text, BoxFormat::Coco);
    let good = "[0,0,1,1]";
    for (text, expected) in [
        (format!("[{good},{good},[0,0,-4,2]]"), "box 3: its width is -4 px"),
        (format!("[{good},[0,0,4,0]]"), "box 2: its height is 0 px"),
        (format!("[{good},[0,0,NaN,1]]"), "box 2: not JSON near `NaN`"),
        (format!("[{good},[0,0,1e999,1]]"), "box 2: not JSON near `1e999`"),
        ("[[0,0,1]]".into(), "box 1: height is missing"),
        ("[[0,0,1,\"2\"]]".into(), "box 1: height is `2` and not a finite number"),
        (
            "[[190,0,11,5]]".into(),
            "box 1: its right edge is at 201 px, outside of the image's 0–200",
        ),
        ("[[0,0,1,1,[2]]]".into(), "box 1: after its four numbers stands a list"),
        ("[7]".into(), "box 1: is neither a list nor an object but a number"),
        ("{}".into(), "boxes: not a list but an object"),
        (r#"[{"bbox":[0,0,1,1],"segmentation":[]}]"#.into(), "box 1: has `segmentation`"),
        (r#"[{"box":[0,0,1,1]}]"#.into(), "box 1: has no list `bbox`"),
    ] {
        assert!(coco(&text).starts_with(expected), "{text}: {}", coco(&text));
    }
    assert!(coco("[[0.5,0.5,0.25,0.25]]").contains("shares of the image"));
    let yolo = message("[[0.5,0.5,1.2,0.5]]", BoxFormat::Yolo);
    assert_eq!(yolo, "box 1: width is 1.2, a share outside of 0–1");
    let clipped =
        read_boxes("[[190,0,11,5],[300,0,5,5]]", BoxFormat::Coco, (200, 100), OutsideBoxes::Clip);
    let clipped = move_boxes(clipped.unwrap(), &[], &BoxRules::default());
    assert_eq!(write_boxes(&clipped.kept, BoxFormat::Coco, (200, 100)), "[[190,0,10,5]]");
    assert_eq!(clipped.dropped, [(1, Why::Outside)]);
    let many = format!("[{}]", vec![good; 100_001].join(","));
    let error = read_boxes(&many, BoxFormat::Coco, (9, 9), OutsideBoxes::Refuse).unwrap_err();
    assert_eq!(error.kind(), "limit");
    let points =
        |text: &str| read_points(text, (200, 100), PointOrigin::Centres).unwrap_err().to_string();
    assert!(points("[[1,1],[200,1]]").starts_with("keypoint 2: (200, 1) is outside of the image"));
    assert_eq!(points("[[1]]"), "keypoint 1: y is missing");
    assert_eq!(
        points("[[1,1,\"a\",3]]"),
        "keypoint 1: its visibility is 3: true, false, 0, 1 or 2"
    );
    let plain = read_points("[[1,2,true]]", (200, 100), PointOrigin::Centres).unwrap();
    assert_eq!(plain, [Keypoint { place: [1.0, 2.0], name: None, visible: Some(true.into()) }]);
}

fn indexed(bits: png::BitDepth, rows: &[u8], palette: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, 5, 2);
    encoder.set_color(png::ColorType::Indexed);
    encoder.set_depth(bits);
    encoder.set_palette(palette.to_vec());
    encoder.write_header().unwrap().write_image_data(rows).unwrap();
    bytes
}

#[test]
fn masks_keep_their_values() {
    let palette = [0, 0, 0, 255, 0, 0, 0, 255, 0, 9, 9, 9];
    // 2 bits: 0 1 2 3 0 | 3 3 3 3 3, padded to whole bytes.
    let two = indexed(png::BitDepth::Two, &[0b00_01_10_11, 0, 0xFF, 0b1100_0000], &palette);
    let found = mask::read(&two, (5, 2), 1 << 20).unwrap();
    assert_eq!(found.labels.as_u8().unwrap(), [0, 1, 2, 3, 0, 3, 3, 3, 3, 3]);
    let again = mask::read(&mask::write(&found).unwrap(), (5, 2), 1 << 20).unwrap();
    assert_eq!(again, found);
    assert_eq!(again.palette.as_deref(), Some(&palette[..]));

    let values: Vec<u16> = vec![0, 1, 255, 256, 65_535, 1_000, 7, 8, 9, 513];
    let deep = Image::new(5, 2, 1, Samples::U16(values.clone())).unwrap();
    let deep = mask::Mask { labels: deep, palette: None };
    let bytes = mask::write(&deep).unwrap();
    assert_eq!(mask::read(&bytes, (5, 2), 1 << 20).unwrap(), deep);
    let image = Image::from_u8(5, 2, 1, vec![0; 10]).unwrap();
    let mut picture = Picture::new(&image, Some(&deep.labels), 1 << 20).unwrap();
    apply(&node(json!({"rotate": {"angle_deg": [180, 180], "mask_fill": 9}})), &mut picture)
        .unwrap();
    let (_, turned, _) = picture.finish().unwrap();
    let Samples::U16(turned) = turned.unwrap().into_owned().into_samples() else { panic!() };
    assert_eq!(turned, values.iter().rev().copied().collect::<Vec<_>>());

    let error = |bytes: &[u8], size| mask::read(bytes, size, 1 << 20).unwrap_err();
    assert!(error(&bytes, (2, 5)).to_string().contains("it lies on its side"));
    assert_eq!(error(&bytes, (4, 2)).to_string(), "mask: is 5 × 2 px, its image 4 × 2");
    assert_eq!(error(b"\xFF\xD8\xFF", (5, 2)).kind(), "unsupported");
    let colours = Image::from_u8(5, 2, 3, vec![0; 30]).unwrap();
    assert_eq!(
        error(&microtome::image::png::encode(&colours).unwrap(), (5, 2)).kind(),
        "unsupported"
    );
    assert_eq!(error(&bytes[..40], (5, 2)).kind(), "format");
}
