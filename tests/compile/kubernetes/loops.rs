//! The loop at the head of the file, run by a shell with a `kubectl` that says what the test wants.

use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use super::{CLUSTERS, cluster, of_fixture};

/// The shell commands of the first block of the heading.
fn commands(file: &str) -> String {
    let lines = file.lines().take_while(|line| line.starts_with('#'));
    let mut lines = lines.skip_while(|line| *line != "#   (");
    let mut block = String::new();
    for line in lines.by_ref() {
        block.push_str(line.trim_start_matches('#'));
        block.push('\n');
        if line == "#   )" {
            return block;
        }
    }
    panic!("no loop in {file}");
}

/// What `kubectl` was called with, and how the loop ended. `kubectl wait` succeeds for what `truth` matches.
fn looped(file: &str, truth: &str) -> (Vec<String>, Option<i32>) {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    };
    // Waits as long as no time at all.
    write("sleep", "#!/bin/sh\n");
    write(
        "kubectl",
        &format!(
            "#!/bin/sh\necho \"$@\" >> \"$0.log\"\n[ \"$(wc -l < \"$0.log\")\" -gt 60 ] && kill $PPID\n\
             case \"$*\" in {truth}) exit 0;; apply*) exit 0;; *) exit 1;; esac\n"
        ),
    );
    let path = format!("{}:{}", folder.path().display(), std::env::var("PATH").unwrap());
    let script = commands(file);
    let ended = Command::new("sh").args(["-c", &script]).env("PATH", path).output().unwrap();
    let log = std::fs::read_to_string(folder.path().join("kubectl.log")).unwrap();
    (log.lines().map(String::from).collect(), ended.status.code())
}

#[test]
fn legs_are_applied_one_by_one() {
    let file = of_fixture("histology", &cluster(CLUSTERS[1].1));
    let (calls, code) = looped(&file, "*condition=complete*");
    assert_eq!(code, Some(0));
    let applied: Vec<&str> = calls
        .iter()
        .filter_map(|call| call.strip_prefix("apply -f histology.k8s.yaml -l "))
        .collect();
    let legs = ["0", "1", "2", "2-merge", "3", "4"];
    assert_eq!(applied, legs.map(|leg| format!("microtome/leg={leg}")));
    let waits: Vec<&String> =
        calls.iter().filter(|call| call.starts_with("wait job -n research")).collect();
    assert_eq!(waits.len(), legs.len() - 1, "{calls:?}");
}

#[test]
fn a_leg_that_fails_is_the_last() {
    let file = of_fixture("histology", &cluster(CLUSTERS[0].1));
    let (calls, code) = looped(&file, "*leg=1\\ *condition=complete*|*leg=2\\ *condition=failed*");
    assert_eq!(code, Some(1));
    let last = calls.iter().rfind(|call| call.starts_with("apply")).unwrap();
    assert!(last.ends_with("microtome/leg=2"), "{calls:?}");
    // Nothing ends: it is waited for, not given up.
    let (calls, code) = looped(&file, "*leg=1\\ *condition=complete*");
    // (143: the shell was ended by the last call that the test allows.)
    assert!(matches!(code, None | Some(143)) && calls.len() > 50, "{code:?}: {calls:?}");
    // What cannot be applied is not waited for.
    let (calls, code) = looped(&file.replace("kubectl apply", "kubectl refuse"), "none");
    assert_eq!((code, calls.len()), (Some(1), 1), "{calls:?}");
}
