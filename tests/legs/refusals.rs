//! Legs that do not follow from each other are refused, by name.

use std::path::Path;
use std::process::Command;

use crate::common;
use crate::left::left;
use crate::relay::{Relay, assert_done};

/// Refused with this exit code and these words.
fn refused(command: &mut Command, code: i32, words: &str) {
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(code), "{command:?}: {said}");
    assert!(said.contains(words), "{command:?}: {said}");
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        if entry.path().is_file() {
            std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
}

#[test]
fn legs_are_run_in_order() {
    let relay = Relay::new("balanced", "cohort");
    let out = tempfile::tempdir().unwrap();
    refused(&mut relay.command(2, out.path(), None), 2, "leg 1 (`scan`) was not done");
    relay.run_leg(1, out.path(), 1);
    refused(&mut relay.command(3, out.path(), None), 2, "leg 2 (`tile`) was not done");
    // A shard alone is no leg.
    assert_done(&mut relay.command(2, out.path(), Some((0, 2))));
    refused(&mut relay.command(3, out.path(), None), 2, "leg 2 (`tile`) was not done");
    refused(&mut relay.merge(2, out.path(), 2), 2, "missing shards: 1/2");
    refused(relay.command(1, out.path(), None).args(["--leg", "7:scan"]), 2, "--leg");
}

#[test]
fn a_leg_is_the_step_that_it_says_and_reads_its_own_output() {
    let relay = Relay::new("tile", "slides");
    let (out, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    relay.run_leg(1, out.path(), 1);
    let tile = |leg: &str, input: &Path| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_microtome"));
        command.arg("tile").arg(input).arg("-o").arg(out.path()).args(["--leg", leg]);
        command
    };
    refused(&mut tile("2:scan,split", out.path()), 2, "is `split`, not `tile`");
    refused(&mut tile("2:scan,tile", other.path()), 2, "give");
}

/// A slide more, and only some of the legs done again: the dataset would be neither the old nor the new one.
#[test]
fn what_was_done_on_an_older_manifest_is_found() {
    let mut relay = Relay::new("tile", "slides");
    let (more, out) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    copy(&common::fixture("slides"), more.path());
    let (out, first) = (out.path(), more.path().join("first.tif"));
    relay.input = more.path().to_path_buf();
    relay.chain.push("tile".into());
    relay.run_leg(1, out, 1);
    assert_done(&mut relay.command(2, out, Some((0, 2))));
    let any = std::fs::read_dir(more.path()).unwrap().map(|e| e.unwrap().path());
    let any = any.filter(|path| path.extension().is_some_and(|e| e == "tif")).min().unwrap();
    let mut bytes = std::fs::read(any).unwrap();
    // Behind the last directory: another file, the same slide.
    bytes.extend(b"more");
    std::fs::write(first, bytes).unwrap();
    relay.run_leg(1, out, 1);
    assert_done(&mut relay.command(2, out, Some((1, 2))));
    refused(&mut relay.merge(2, out, 2), 2, "read another manifest than shard 0");
    assert_done(&mut relay.command(2, out, Some((0, 2))));
    assert_done(&mut relay.merge(2, out, 2));
    // And a manifest that somebody put in the place of ours.
    std::fs::write(out.join("manifests/2-tile.parquet"), b"no table").unwrap();
    let mut third = Command::new(env!("CARGO_BIN_EXE_microtome"));
    third.arg("tile").arg(out).arg("-o").arg(out).args(["--leg", &relay.leg(3)]);
    refused(&mut third, 2, "is not the one that leg 2 tells of");
}

/// All shards agree with each other, and none with what is listed now.
#[test]
fn shards_of_an_older_listing_are_not_merged() {
    let mut relay = Relay::new("tile", "slides");
    let (fewer, out) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    copy(&common::fixture("slides"), fewer.path());
    let out = out.path();
    relay.input = fewer.path().to_path_buf();
    relay.run_leg(1, out, 1);
    for index in 0..2 {
        assert_done(&mut relay.command(2, out, Some((index, 2))));
    }
    std::fs::remove_file(fewer.path().join("he-svs.svs")).unwrap();
    relay.run_leg(1, out, 1);
    refused(&mut relay.merge(2, out, 2), 2, "read another manifest than leg 1 gives now");
    relay.run_leg(2, out, 2);
    let whole = tempfile::tempdir().unwrap();
    relay.run_whole(whole.path());
    let manifest = |root: &Path| std::fs::read(root.join("manifest.parquet")).unwrap();
    assert!(manifest(whole.path()) == manifest(out), "and then they are those of one run");
}

#[test]
fn two_chains_do_not_mix_in_one_folder() {
    let (relay, out) = (Relay::new("tile", "slides"), tempfile::tempdir().unwrap());
    let out = out.path();
    relay.run_leg(1, out, 1);
    let step = |name: &str, leg: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_microtome"));
        command.arg(name).arg(out).arg("-o").arg(out).args(["--leg", leg]);
        command
    };
    refused(&mut step("tile", "2:scan,tile,split"), 2, "done as part of the chain \"scan,tile\"");
    refused(&mut step("tile", "2:scan,tile,nope"), 2, "there is no step \"nope\"");
    for index in 0..2 {
        assert_done(&mut relay.command(2, out, Some((index, 2))));
    }
    let mut other = Command::new(env!("CARGO_BIN_EXE_microtome"));
    other.arg("merge").arg(out).arg("-o").arg(out).args(["--leg", "2:scan,tile,split"]);
    refused(&mut other, 2, "done as part of the chain \"scan,tile\"");
}

/// A list of failures that was cut short would make a dataset look better than it is.
#[test]
fn a_shards_list_of_failures_is_held_to_its_run() {
    let (relay, out) = (Relay::new("tile", "slides"), tempfile::tempdir().unwrap());
    let out = out.path();
    relay.run_leg(1, out, 1);
    let list = |index: u32| out.join(format!("failures/2-tile/part-0000{index}-of-00002.jsonl"));
    for index in 0..2 {
        assert_done(&mut relay.command(2, out, Some((index, 2))));
    }
    let long = (0..2).find(|i| std::fs::metadata(list(*i)).unwrap().len() > 0);
    let long = list(long.expect("one of the drawn slides fails"));
    std::fs::write(long, b"").unwrap();
    refused(&mut relay.merge(2, out, 2), 3, "their runs tell of 1");
}

/// Parts of another number of shards may lie there from an earlier day.
#[test]
fn another_number_of_shards_is_no_hindrance() {
    let relay = Relay::new("tile", "slides");
    let (whole, out) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    relay.run_whole(whole.path());
    relay.run_leg(1, out.path(), 1);
    for (index, count) in [(0, 2), (1, 2), (0, 3), (1, 3), (2, 3)] {
        assert_done(&mut relay.command(2, out.path(), Some((index, count))));
    }
    assert_done(&mut relay.merge(2, out.path(), 3));
    assert_eq!(left(whole.path()), left(out.path()));
}
