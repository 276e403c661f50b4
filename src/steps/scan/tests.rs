//! The step on listings in memory. What it makes of real files, `tests/scan_real.rs` shows.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use super::*;
use crate::manifest::Kind;
use crate::slide::ReadAt;
use crate::slide::memory::Bytes;
use crate::step::{AnyInput, Collected, Crew};
use crate::steps::STEPS;

/// A grey PNG whose pixels are all `value`, with further chunks before its pixels.
fn png_with(width: u32, height: u32, value: u8, chunks: &[(&[u8; 4], Vec<u8>)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(png::ColorType::Grayscale);
    let mut writer = encoder.write_header().unwrap();
    for (name, data) in chunks {
        writer.write_chunk(png::chunk::ChunkType(**name), data).unwrap();
    }
    writer.write_image_data(&vec![value; (width * height) as usize]).unwrap();
    writer.finish().unwrap();
    bytes
}

fn png(width: u32, height: u32, value: u8) -> Vec<u8> {
    png_with(width, height, value, &[])
}

fn listed(id: &str, bytes: Vec<u8>, given: &[(&str, &str)]) -> Listed {
    let source: Arc<dyn ReadAt> = Arc::new(Bytes(bytes.clone()));
    Listed {
        id: id.into(),
        path: format!("/data/{id}"),
        length: bytes.len() as u64,
        digest: Digest::of(&bytes),
        given: given.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect(),
        open: Box::new(move || Ok(source.clone())),
    }
}

fn scan_on(threads: usize, params: Value, files: Vec<Listed>) -> Result<Collected> {
    let mut collected = Collected::default();
    let listing = Listing { files, limits: Limits::default() };
    let step = STEPS.iter().find(|e| e.name == "scan").unwrap().make(params)?;
    step.run(AnyInput::Listing(listing), &mut collected, &Crew::new(threads)?)?;
    Ok(collected)
}

fn scan(params: Value, files: Vec<Listed>) -> Result<Collected> {
    scan_on(2, params, files)
}

fn refused(params: Value, files: Vec<Listed>) -> String {
    let error = scan(params, files).err().unwrap();
    assert_eq!(error.kind(), "params");
    error.to_string()
}

#[test]
fn a_row_says_what_the_header_says() {
    let bytes = png(7, 3, 9);
    let file = listed("cat/a.png", bytes.clone(), &[]);
    let found = scan(json!({"label_folder": 1}), vec![file]).unwrap().found;
    let [row] = &found[..] else { panic!("{found:?}") };
    assert_eq!((row.id.as_str(), row.path.as_str()), ("cat/a.png", "/data/cat/a.png"));
    assert_eq!((row.length, row.digest), (bytes.len() as u64, Digest::of(&bytes)));
    assert_eq!(row.media_type, "image/png");
    assert_eq!((row.width_px, row.height_px), (Some(7), Some(3)));
    assert_eq!((row.label.as_deref(), row.group.as_deref()), (Some("cat"), None));
    let expected = json!({
        "channels": 1, "bit_depth": 8, "duplicate_of": null,
        "slide.vendor": "photo", "slide.levels": 1, "slide.compression": "png",
        "slide.tile_width_px": 7, "slide.tile_height_px": 3,
        "slide.mpp_x": null, "slide.mpp_y": null, "slide.mpp_from": null,
        "slide.objective": null, "slide.associated": null,
        "exif.time": null, "exif.make": null, "exif.model": null, "exif.serial": null,
        "exif.orientation": null, "capture.time": null, "annotation.mask": null,
        "annotation.boxes": null, "annotation.keypoints": null, "detector.boxes": null,
    });
    assert_eq!(Value::Object(row.facts.clone()), expected);
}

#[test]
fn columns_are_named_after_what_they_are_about() {
    let entry = &STEPS[0];
    let columns: BTreeMap<_, _> =
        entry.fields().into_iter().map(|field| (field.name, field.kind)).collect();
    for (name, kind) in [
        ("scan.channels", Kind::Int),
        ("scan.bit_depth", Kind::Int),
        ("scan.duplicate_of", Kind::Text),
        ("slide.mpp_x", Kind::Float),
        ("slide.mpp_y", Kind::Float),
        ("slide.levels", Kind::Int),
        ("slide.objective", Kind::Float),
        ("slide.vendor", Kind::Text),
        ("slide.tile_width_px", Kind::Int),
        ("slide.tile_height_px", Kind::Int),
        ("slide.compression", Kind::Text),
        ("exif.time", Kind::Text),
        ("exif.make", Kind::Text),
        ("exif.model", Kind::Text),
        ("exif.serial", Kind::Text),
        ("exif.orientation", Kind::Int),
        ("capture.time", Kind::Text),
        ("annotation.mask", Kind::Text),
        ("annotation.boxes", Kind::Text),
        ("annotation.keypoints", Kind::Text),
        ("detector.boxes", Kind::Text),
    ] {
        assert_eq!(columns.get(name), Some(&kind), "{name}");
    }
    assert!(entry.facts().iter().all(|fact| !fact.doc.is_empty()));
    // The short names are those of the facts that a row carries.
    let row = &scan(Value::Null, vec![listed("a", png(1, 1, 0), &[])]).unwrap().found[0];
    let shorts: Vec<_> = entry.facts().into_iter().map(|fact| fact.short).collect();
    let mut carried: Vec<_> = row.facts.keys().cloned().collect();
    carried.sort();
    assert_eq!(shorts, carried);
}

#[test]
fn a_bad_file_is_a_failure_and_the_others_go_on() {
    let mut gone = listed("c", png(1, 1, 0), &[]);
    gone.open = Box::new(|| Err(Error::store("/data/c", "no such file")));
    let mut panics = listed("e", png(1, 1, 0), &[]);
    panics.open = Box::new(|| panic!("a reader's bug"));
    let files = vec![
        listed("a", Vec::new(), &[]),
        listed("b", png(2, 2, 0), &[]),
        gone,
        listed("d", b"these are no pixels".to_vec(), &[]),
        panics,
        listed("f", png(2, 2, 1)[..20].to_vec(), &[]),
        listed("g", png(3, 2, 0), &[]),
    ];
    let done = scan(Value::Null, files).unwrap();
    let found: Vec<_> = done.found.iter().map(|f| f.id.as_str()).collect();
    let failed: Vec<_> = done.failed.iter().map(|(id, e)| (id.as_str(), e.kind())).collect();
    assert_eq!(found, ["b", "g"]);
    assert_eq!(
        failed,
        [("a", "format"), ("c", "store"), ("d", "format"), ("e", "bug"), ("f", "format")]
    );
}

#[test]
fn neither_order_nor_threads_change_anything() {
    let files = || -> Vec<Listed> {
        (0..40)
            .map(|i| listed(&format!("{:02}", i * 7 % 40), png(1 + i % 5, 2, (i % 3) as u8), &[]))
            .collect()
    };
    let one = scan_on(1, Value::Null, files()).unwrap().found;
    let turned = scan_on(4, Value::Null, files().into_iter().rev().collect()).unwrap().found;
    assert_eq!(one, turned);
    assert!(one.is_sorted_by_key(|f| f.id.clone()));
    assert_eq!(one.len(), 40);
}

#[test]
fn duplicates_name_the_first_by_id_that_was_found() {
    let mut unreadable = listed("0", png(4, 4, 0), &[]);
    unreadable.open = Box::new(|| Err(Error::store("/data/0", "locked")));
    let files = vec![
        listed("z", png(4, 4, 0), &[]),
        listed("b", png(4, 4, 0), &[]),
        listed("c", png(4, 4, 1), &[]),
        listed("d", png(4, 4, 0), &[]),
        unreadable,
    ];
    let done = scan(Value::Null, files).unwrap();
    let twins: Vec<_> =
        done.found.iter().map(|f| (f.id.as_str(), f.facts["duplicate_of"].clone())).collect();
    let expected = [("b", Value::Null), ("c", Value::Null), ("d", "b".into()), ("z", "b".into())];
    assert_eq!(twins, expected);
}

#[test]
fn one_id_twice_ends_it_before_any_work() {
    let mut second = listed("a", png(1, 1, 1), &[]);
    second.path = "/elsewhere/a".into();
    let message = refused(Value::Null, vec![listed("a", png(1, 1, 0), &[]), second]);
    assert_eq!(message, "id: `a` is the id of /data/a and of /elsewhere/a");
}

#[test]
fn the_file_of_labels_is_joined_by_id() {
    let files = || {
        vec![
            listed("x/a.png", png(1, 1, 0), &[("group", "g")]),
            listed("x/b.png", png(1, 1, 1), &[]),
        ]
    };
    let labels = json!([
        {"id": "x/a.png", "label": "tumor", "remark": "not looked at"},
        {"id": "x/missing.png", "label": "tumor"},
        {"id": "x/left-out.png", "label": "tumor"},
    ]);
    let done =
        scan(json!({"labels": labels, "exclude": ["left-out*"], "label_folder": 1}), files())
            .unwrap();
    let named: Vec<_> =
        done.found.iter().map(|f| (f.label.as_deref(), f.group.as_deref())).collect();
    assert_eq!(named, [(Some("tumor"), Some("g")), (Some("x"), None)]);
    let [(id, error)] = &done.failed[..] else { panic!("{:?}", done.failed) };
    assert_eq!((id.as_str(), error.kind()), ("x/missing.png", "params"));

    // Not one fits: somebody forgot the folder. Better said at once.
    let message = refused(json!({"labels": [{"id": "a.png", "label": "tumor"}]}), files());
    assert_eq!(
        message,
        "labels: none of its 1 ids is that of a file; the first are `a.png` there and `x/a.png` here"
    );
    let message = refused(json!({"labels": [{"name": "a.png", "label": "tumor"}]}), files());
    assert!(message.starts_with("labels: ") && message.contains("`id`"), "{message}");
    assert!(refused(json!({"label_folder": 0}), files()).contains("1 to 64"));
}

#[test]
fn remarks_in_the_file_of_labels_do_not_meet_the_key() {
    let params = |labels: Value| {
        let step = STEPS[0].make(json!({"labels": labels})).unwrap();
        crate::digest::canonical_json(step.params()).unwrap()
    };
    assert_eq!(
        params(json!([{"id": "a", "label": "x", "remark": "y"}])),
        params(json!([{"id": "a", "label": "x", "group": null}]))
    );
}

#[test]
fn a_list_may_overrule_the_resolution() {
    let resolution = |given: &[(&str, &str)]| {
        let done = scan(Value::Null, vec![listed("a", png(1, 1, 0), given)])?;
        let facts = &done.found[0].facts;
        Ok::<_, Error>((
            facts["slide.mpp_x"].as_f64(),
            facts["slide.mpp_y"].as_f64(),
            facts["slide.mpp_from"].as_str().map(str::to_owned),
        ))
    };
    let list = || Some("list".to_string());
    assert_eq!(resolution(&[]).unwrap(), (None, None, None));
    assert_eq!(resolution(&[("mpp", "0.25")]).unwrap(), (Some(0.25), Some(0.25), list()));
    let both = [("mpp", "9"), ("mpp_x", "0.25"), ("mpp_y", " 0.5 ")];
    assert_eq!(resolution(&both).unwrap(), (Some(0.25), Some(0.5), list()));
    let long = [("slide.mpp_x", "0.499"), ("slide.mpp_y", "0.5")];
    assert_eq!(resolution(&long).unwrap(), (Some(0.499), Some(0.5), list()));
    for wrong in ["0", "-1", "NaN", "inf", "0,25", "20x", ""] {
        let error = resolution(&[("mpp", wrong)]).unwrap_err();
        assert!(error.to_string().starts_with("mpp: "), "{error}");
    }
    assert_eq!(resolution(&[("mpp_x", "1")]).unwrap_err().to_string(), "mpp_x: `a` has no mpp_y");
}

/// A big-endian TIFF block: Make = `Cam`, Orientation = 6, and in the EXIF directory the time.
fn exif_block() -> Vec<u8> {
    let mut block = b"MM\0\x2A\0\0\0\x08\0\x03".to_vec();
    block.extend([0x01, 0x0F, 0, 2, 0, 0, 0, 4, b'C', b'a', b'm', 0]);
    block.extend([0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, 6, 0, 0]);
    block.extend([0x87, 0x69, 0, 4, 0, 0, 0, 1, 0, 0, 0, 50]);
    block.extend([0, 0, 0, 0]);
    assert_eq!(block.len(), 50);
    block.extend([0, 2]);
    block.extend([0x90, 0x03, 0, 2, 0, 0, 0, 20, 0, 0, 0, 80]);
    block.extend([0xA4, 0x31, 0, 2, 0, 0, 0, 3, b'7', b'7', 0, 0]);
    block.extend([0, 0, 0, 0]);
    assert_eq!(block.len(), 80);
    block.extend(b"2016:05:04 03:02:01\0");
    block
}

fn camera(
    bytes: Vec<u8>,
    media_type: &str,
) -> (Option<String>, Option<String>, Option<String>, Option<u8>) {
    let exif = exif::read(&Bytes(bytes), Some(media_type)).unwrap();
    assert_eq!(exif.model, None);
    (exif.time, exif.make, exif.serial, exif.orientation)
}

#[test]
fn exif_is_found_in_each_container() {
    let block = exif_block();
    let text = |s: &str| Some(s.to_string());
    let expected = (text("2016-05-04T03:02:01"), text("Cam"), text("77"), Some(6));

    let png = png_with(2, 2, 0, &[(b"eXIf", block.clone())]);
    assert_eq!(camera(png.clone(), "image/png"), expected);
    let row = &scan(Value::Null, vec![listed("a", png, &[])]).unwrap().found[0];
    assert_eq!(row.facts["exif.time"], "2016-05-04T03:02:01");
    assert_eq!(row.facts["exif.orientation"], 6);

    // JPEG: behind a JFIF segment, an XMP segment and fill bytes.
    let mut jpeg = b"\xFF\xD8\xFF\xE0\0\x04ab\xFF\xE1\0\x0Ahttp://a\xFF\xFF\xFF\xE1".to_vec();
    jpeg.extend((block.len() as u16 + 8).to_be_bytes());
    jpeg.extend(b"Exif\0\0");
    jpeg.extend(&block);
    jpeg.extend(b"\xFF\xDA\0\x02");
    assert_eq!(camera(jpeg, "image/jpeg"), expected);

    // WebP: behind a chunk of odd length, with and without JPEG's prefix.
    for prefix in [&b""[..], b"Exif\0\0"] {
        let mut webp = b"RIFF\0\0\0\0WEBPVP8X\x03\0\0\0abc\0EXIF".to_vec();
        webp.extend(((block.len() + prefix.len()) as u32).to_le_bytes());
        webp.extend(prefix);
        webp.extend(&block);
        assert_eq!(camera(webp, "image/webp"), expected);
    }
    assert_eq!(camera(block, "image/tiff"), expected);
}

#[test]
fn exif_is_found_in_big_tiffs_of_both_byte_orders() {
    for little in [true, false] {
        let number = |n: u64, bytes: usize| {
            let all = n.to_be_bytes();
            let mut part = all[8 - bytes..].to_vec();
            if little {
                part.reverse();
            }
            part
        };
        let entry = |tag: u64, kind: u64, count: u64, value: Vec<u8>| {
            let mut entry = [number(tag, 2), number(kind, 2), number(count, 8), value].concat();
            entry.resize(20, 0);
            entry
        };
        // Header 16 bytes; first directory at 16 with 3 entries (76 bytes), EXIF's at 92 with one.
        let tiff = [
            if little { b"II".to_vec() } else { b"MM".to_vec() },
            number(43, 2),
            number(8, 2),
            number(0, 2),
            number(16, 8),
            number(3, 8),
            entry(0x010F, 2, 4, b"Cam\0".to_vec()),
            entry(0x0112, 3, 1, number(6, 2)),
            entry(0x8769, 4, 1, number(92, 4)),
            number(0, 8),
            number(1, 8),
            entry(0x9003, 2, 20, number(128, 8)),
            number(0, 8),
            b"2016:05:04 03:02:01\0".to_vec(),
        ]
        .concat();
        let (time, make, _, orientation) = camera(tiff, "image/tiff");
        assert_eq!(time.as_deref(), Some("2016-05-04T03:02:01"), "little: {little}");
        assert_eq!((make.as_deref(), orientation), (Some("Cam"), Some(6)));
    }
}

#[test]
fn a_block_cut_anywhere_is_no_error() {
    let png = png_with(2, 2, 0, &[(b"eXIf", exif_block())]);
    for (bytes, media_type) in [(png, "image/png"), (exif_block(), "image/tiff")] {
        for length in 0..bytes.len() {
            exif::read(&Bytes(bytes[..length].to_vec()), Some(media_type)).unwrap();
        }
    }
}

#[test]
fn what_a_list_gives_of_an_image_goes_into_its_columns() {
    let given =
        [("time", "2024-05-01T06:00:00"), ("mask", "/m.png"), ("boxes", "[]"), ("keypoints", " ")];
    let row = &scan(Value::Null, vec![listed("a.png", png(2, 2, 1), &given)]).unwrap().found[0];
    assert_eq!(row.facts["capture.time"], "2024-05-01T06:00:00");
    assert_eq!(row.facts["annotation.mask"], "/m.png");
    assert_eq!(row.facts["annotation.boxes"], "[]");
    assert_eq!(row.facts["annotation.keypoints"], Value::Null);
}

#[test]
fn a_detectors_boxes_go_to_the_files_that_it_saw() {
    let boxes = json!([{"file": "x/a.png", "boxes": [["animal", 0.5, 0.1, 0.2, 0.3, 0.4]]}]);
    let files = || vec![listed("a.png", png(2, 2, 1), &[]), listed("b.png", png(2, 2, 2), &[])];
    let found = scan(json!({"detections": boxes}), files()).unwrap().found;
    assert_eq!(found[0].facts["detector.boxes"], r#"[["animal",0.5,0.1,0.2,0.3,0.4]]"#);
    assert_eq!(found[1].facts["detector.boxes"], Value::Null);
    let others = json!([{"file": "c.png", "boxes": []}]);
    assert_eq!(scan(json!({"detections": others}), files()).unwrap_err().kind(), "params");
}
