//! What happens to processes on a cluster: killed, begun twice, late. The merged dataset does not tell.

use std::collections::BTreeMap;
use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

use microtome::digest::Digest;

use crate::left::left;
use crate::relay::{Relay, assert_done, done, start};

const SHARDS: u32 = 3;

/// Leg 1 is done.
fn begun() -> (Relay, tempfile::TempDir, BTreeMap<String, Digest>) {
    let relay = Relay::new("tile", "slides");
    let whole = tempfile::tempdir().unwrap();
    relay.run_whole(whole.path());
    let out = tempfile::tempdir().unwrap();
    relay.run_leg(1, out.path(), 1);
    (relay, out, left(whole.path()))
}

fn shard(relay: &Relay, out: &Path, index: u32) {
    assert_done(&mut relay.command(2, out, Some((index, SHARDS))));
}

fn merged(relay: &Relay, out: &Path) -> BTreeMap<String, Digest> {
    assert_done(&mut relay.merge(2, out, SHARDS));
    left(out)
}

#[test]
fn a_shard_that_is_killed_is_begun_again() {
    let (relay, out, whole) = begun();
    let out = out.path();
    shard(&relay, out, 0);
    let mut kills = 0;
    // Later and later, so that kills fall into opening, into the work, and into the commits.
    for wait in (0..2000).step_by(15) {
        let mut process = start(&mut relay.command(2, out, Some((1, SHARDS))));
        sleep(Duration::from_millis(wait));
        // SIGKILL: nothing can be tidied up.
        process.kill().unwrap();
        let status = process.wait().unwrap();
        if status.success() {
            break;
        }
        kills += 1;
    }
    assert!(kills > 0, "the shard was never killed");
    shard(&relay, out, 1);
    shard(&relay, out, 2);
    assert_eq!(whole, merged(&relay, out));
}

#[test]
fn two_processes_with_one_shard_leave_one() {
    let (relay, out, whole) = begun();
    let out = out.path();
    let mut both: Vec<_> = (0..SHARDS)
        .flat_map(|index| [index, index])
        .map(|index| start(&mut relay.command(2, out, Some((index, SHARDS)))))
        .collect();
    for process in &mut both {
        assert!(process.wait().unwrap().success());
    }
    assert_eq!(whole, merged(&relay, out));
}

#[test]
fn a_shard_that_comes_late_changes_nothing() {
    let (relay, out, whole) = begun();
    let out = out.path();
    shard(&relay, out, 0);
    shard(&relay, out, 2);
    let (well, said) = done(&mut relay.merge(2, out, SHARDS));
    assert!(!well && said.contains("missing shards: 1/3"), "{said}");
    shard(&relay, out, 1);
    assert_eq!(whole, merged(&relay, out));
    // A pod that everybody gave up comes to its end behind the merge, and somebody merges again.
    shard(&relay, out, 0);
    assert_eq!(whole, left(out));
    assert_eq!(whole, merged(&relay, out));
}
