//! One conformance suite for every kind of root, and a whole run through an object store.

use std::sync::Arc;

use microtome::dataset::Root;
use microtome::engine::{Knobs, Layout};
use object_store::memory::InMemory;
use tempfile::tempdir;

use crate::common::fixture;
use crate::servers::servers;
use crate::tree::{root, run, scan_and_tile};

fn every_root(name: &str, test: impl Fn(Root)) {
    let folder = tempdir().unwrap();
    test(root(&folder.path().join("not there yet")));
    test(Root::over(Arc::new(InMemory::new()), "some/prefix").unwrap());
    test(Root::over(Arc::new(InMemory::new()), "").unwrap());
    for server in servers(name) {
        test(server.root("some/prefix"));
    }
}

#[test]
fn what_is_written_is_read_and_listed() {
    every_root("what_is_written_is_read_and_listed", |root| {
        assert_eq!(root.read("a/b.json").unwrap(), None);
        assert_eq!(root.length("a/b.json").unwrap(), None);
        assert!(root.list("").unwrap().is_empty());
        assert!(!root.is_dataset().unwrap());
        root.replace("a/b.json", b"one").unwrap();
        root.replace("a/b.json", b"three").unwrap();
        root.replace("a/c d/é#%.json", b"").unwrap();
        assert_eq!(root.read("a/b.json").unwrap().unwrap(), b"three");
        assert_eq!(root.length("a/b.json").unwrap(), Some(5));
        assert_eq!(root.read_range("a/b.json", 1, 3).unwrap(), b"hre");
        assert!(root.read_range("a/b.json", 3, 3).is_err());
        assert!(root.read_range("a/none.json", 0, 0).is_err());
        let listed = root.list("a").unwrap();
        assert_eq!(listed.len(), 2, "{listed:?}");
        assert_eq!((listed[0].path.as_str(), listed[0].length), ("a/b.json", 5));
        root.remove("a/b.json").unwrap();
        root.remove("a/b.json").unwrap();
        assert_eq!(root.read("a/b.json").unwrap(), None);
    });
}

#[test]
fn a_file_is_new_once_whoever_races() {
    every_root("a_file_is_new_once_whoever_races", |root| {
        let won: usize = std::thread::scope(|scope| {
            let writers: Vec<_> = (0..8_u8)
                .map(|n| {
                    let root = root.clone();
                    scope.spawn(move || root.write_new("records/k.json", &[n; 2000]).unwrap())
                })
                .collect();
            writers.into_iter().map(|w| usize::from(w.join().unwrap())).sum()
        });
        assert_eq!(won, 1);
        let bytes = root.read("records/k.json").unwrap().unwrap();
        assert!(
            bytes.len() == 2000 && bytes.iter().all(|b| *b == bytes[0]),
            "whole, and of one writer"
        );
        assert!(!root.write_new("records/k.json", b"late").unwrap());
    });
}

#[test]
fn a_unit_appears_whole_or_not_at_all() {
    every_root("a_unit_appears_whole_or_not_at_all", |root| {
        let mut dropped = root.unit("aaaa@bbbb", Some(1000)).unwrap();
        dropped.item("x.png", &[1; 100]).unwrap();
        drop(dropped);
        assert!(root.list("packs").unwrap().is_empty());
        for pack in [None, Some(1500)] {
            for _ in 0..2 {
                let mut unit = root.unit("cccc@dddd", pack).unwrap();
                let mut placed = Vec::new();
                for n in 0..4_u8 {
                    placed.push(unit.item(&format!("{n}.png"), &[n; 700]).unwrap());
                }
                unit.preview("overlay.png", b"picture").unwrap();
                assert!(unit.item("0.png", b"").is_err(), "a name is used once");
                for wrong in ["../x", "a/b", "", ".hidden"] {
                    assert!(unit.item(wrong, b"").is_err(), "{wrong:?}");
                }
                unit.commit().unwrap();
                for (n, placed) in (0..4_u8).zip(&placed) {
                    let bytes =
                        root.read_range(&placed.path, placed.offset.unwrap_or(0), 700).unwrap();
                    assert_eq!(bytes, vec![n; 700], "{placed:?}");
                }
            }
        }
        assert_eq!(root.read("previews/cccc@dddd/overlay.png").unwrap().unwrap(), b"picture");
    });
}

#[test]
fn paths_that_lead_out_are_refused() {
    every_root("paths_that_lead_out_are_refused", |root| {
        for path in ["../x", "a/../../x"] {
            assert!(root.read(path).is_err(), "{path}");
            assert!(root.replace(path, b"").is_err(), "{path}");
        }
    });
}

#[test]
fn a_run_into_an_object_store_gives_the_manifest_of_a_local_one() {
    let input = fixture("slides").to_str().unwrap().to_string();
    for layout in [Layout::Loose, Layout::Packs { bytes: 300_000 }] {
        let folder = tempdir().unwrap();
        let knobs = Knobs { threads: 2, layout, ..Knobs::default() };
        let remote = Root::over(Arc::new(InMemory::new()), "data/out").unwrap();
        let here = run(&input, scan_and_tile(), &root(folder.path()), &knobs).unwrap();
        let there = run(&input, scan_and_tile(), &remote, &knobs).unwrap();
        assert_eq!(here.steps[1].manifest, there.steps[1].manifest);
        let again = run(&input, scan_and_tile(), &remote, &knobs).unwrap();
        assert_eq!((again.steps[1].made, again.steps[1].hits), (0, there.steps[1].made));
        for item in remote.manifest().unwrap().read_all().unwrap() {
            let bytes = remote.item_bytes(&item).unwrap();
            assert_eq!(microtome::digest::Digest::of(&bytes), item.digest, "{}", item.id);
        }
    }
}
