//! The binary as a user runs it: words, exit codes, streams.

mod common;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// What a run of the binary said.
struct Said {
    code: Option<i32>,
    out: String,
    err: String,
}

fn microtome(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_microtome"));
    command.args(args).stdin(Stdio::null());
    command
}

fn said(mut command: Command) -> Said {
    let Output { status, stdout, stderr } = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Said { code: status.code(), out: text(stdout), err: text(stderr) }
}

fn run(args: &[&str]) -> Said {
    said(microtome(args))
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn slides() -> PathBuf {
    common::fixture("slides")
}

/// A place for outputs, and its text.
fn place() -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let out = text(&folder.path().join("out")).to_string();
    (folder, out)
}

#[test]
fn help_names_steps_commands_ranges_and_defaults() {
    let all = run(&["--help"]);
    assert_eq!(all.code, Some(0));
    assert!(all.err.is_empty());
    for word in ["scan", "tile", "run", "steps", "why", "check", "merge", "report", "EXAMPLES"] {
        assert!(all.out.contains(word), "no {word} in\n{}", all.out);
    }
    let tile = run(&["tile", "-h"]);
    let wanted = [
        "What is made:",
        "How it runs:",
        "EXAMPLES",
        "--tile-px <N>",
        "[default: 256; 16 to 8192]",
        "[possible values: skip, shift, pad]",
        "--shard <I/N>",
        "--params <FILE>",
    ];
    for word in wanted {
        assert!(tile.out.contains(word), "no {word} in\n{}", tile.out);
    }
    let long = run(&["tile", "--help"]);
    assert!(long.out.len() > tile.out.len());
    assert!(long.out.contains("- shift: "), "{}", long.out);
    assert_eq!(run(&["tile", "--version"]).out, "microtome-tile 1.0.0\n");
}

#[test]
fn usage_errors_have_their_code_and_name_what_was_meant() {
    let cases: &[(&[&str], &str)] = &[
        (&[], "Usage: microtome"),
        (&["tlie", "in", "-o", "out"], "a similar subcommand exists: 'tile'"),
        (&["tile", "in", "-o", "out", "--tile-pxx", "5"], "a similar argument exists: '--tile-px'"),
        (&["tile", "in", "-o", "out", "--edges", "shft"], "a similar value exists: 'shift'"),
        (&["tile", "in"], "--output <OUT>"),
        (&["tile", "in", "-o", "out", "--tile-px", "5"], "error: --tile-px: 5 will not do"),
        (&["tile", "in", "-o", "out", "--tile-px", "5"], "remedy: "),
        (
            &["tile", "in", "-o", "out", "--mpp", "NaN"],
            "error: --mpp: \"NaN\" is not a finite number",
        ),
        (&["tile", "in", "-o", "out", "--mpp", "1", "--level", "1"], "error: --level: "),
        (&["tile", "in", "-o", "out", "--shard", "2/2"], "error: --shard: "),
        (&["tile", "in", "-o", "out", "--pack", "1GB", "--loose"], "cannot be used with"),
        (&["tile", "in", "-o", "out", "--pack", "big"], "error: --pack: \"big\" is not a size"),
        (&["tile", "in", "-o", "out", "--max-failures", "x"], "error: --max-failures: "),
        (&["tile", "in", "-o", "out", "--threads", "0"], "0 is not in 1..=4096"),
        (&["steps", "tyle"], "did you mean `tile`?"),
        (&["run", "no-such.yaml", "in", "-o", "out"], "no-such.yaml"),
    ];
    let folder = tempfile::tempdir().unwrap();
    for (args, words) in cases {
        let mut command = microtome(args);
        command.current_dir(folder.path());
        let said = said(command);
        // A file that is not there may be there tomorrow.
        let code = if args.contains(&"no-such.yaml") { 4 } else { 2 };
        assert_eq!(said.code, Some(code), "{args:?}: {}", said.err);
        assert!(said.err.contains(words), "{args:?}:\n{}", said.err);
        assert!(said.out.is_empty(), "{args:?} wrote to stdout: {}", said.out);
        assert!(!folder.path().join("out").exists(), "{args:?} made an output");
    }
}

#[test]
fn an_input_that_is_not_there_is_named() {
    let (folder, out) = place();
    let missing = folder.path().join("missing");
    let said = run(&["scan", text(&missing), "-o", &out, "--quiet"]);
    assert_eq!(said.code, Some(4), "{}", said.err);
    assert!(said.err.contains("missing"), "{}", said.err);
    assert!(said.err.contains("remedy: "), "{}", said.err);
}

#[test]
fn the_main_job_runs_from_a_pipeline_and_again_for_nothing() {
    let (_folder, out) = place();
    let pipeline = common::fixture("pipelines/tile.yaml");
    let slide = slides().join("he-pyramid.tif");
    let args = ["run", text(&pipeline), text(&slide), "-o", &out, "--json", "--quiet"];
    let first = run(&args);
    assert_eq!(first.code, Some(0), "{}", first.err);
    assert!(first.err.is_empty(), "quiet, and yet: {}", first.err);
    let summary: Value = serde_json::from_str(&first.out).unwrap();
    assert_eq!(summary["steps"][1]["step"], "tile");
    assert_eq!(summary["steps"][1]["params"]["mpp"], 0.5);
    assert!(summary["steps"][1]["items"].as_u64().unwrap() > 5, "{summary}");
    let again: Value = serde_json::from_str(&run(&args).out).unwrap();
    assert_eq!(again["steps"][1]["hits"], 1);
    assert_eq!(again["steps"][1]["manifest"], summary["steps"][1]["manifest"]);
    let check = run(&["check", &out, "-q"]);
    assert_eq!(check.code, Some(0), "{}{}", check.out, check.err);
}

#[test]
fn units_that_fail_are_listed_and_exit_with_1() {
    let (_folder, out) = place();
    let slides = slides();
    let args = ["tile", text(&slides), "-o", &out, "--mpp", "0.5", "--format", "jpeg"];
    // One of the slides has no resolution.
    let strict = run(&args);
    assert_eq!(strict.code, Some(1), "{}", strict.err);
    assert!(strict.err.contains("failures.jsonl"), "{}", strict.err);
    assert!(strict.out.contains("1 failed"), "{}", strict.out);
    let tolerant = run(&[&args[..], &["--max-failures", "1"]].concat());
    assert_eq!(tolerant.code, Some(0), "{}", tolerant.err);
    let percent = run(&[&args[..], &["--max-failures", "1%"]].concat());
    assert_eq!(percent.code, Some(1), "{}", percent.err);
}

#[test]
fn log_lines_are_json_when_stderr_is_no_terminal() {
    let (_folder, out) = place();
    let slides = slides();
    let said = run(&["tile", text(&slides), "-o", &out, "--assume-mpp", "0.5"]);
    assert_eq!(said.code, Some(0), "{}", said.err);
    let lines: Vec<Value> = said
        .err
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}")))
        .collect();
    let events: Vec<&str> = lines.iter().filter_map(|l| l["event"].as_str()).collect();
    for event in ["note", "step_begun", "unit_done", "step_done"] {
        assert!(events.contains(&event), "no {event} in {events:?}");
    }
    for line in &lines {
        let time = line["ts"].as_str().unwrap();
        assert!(time.len() == 24 && time.ends_with('Z') && &time[10..11] == "T", "{time}");
        assert!(["info", "error"].contains(&line["level"].as_str().unwrap()), "{line}");
    }
    assert!(lines.len() < 30, "{} lines", lines.len());
    assert!(!said.err.contains('\u{1b}'), "escape codes in a log");
}

#[test]
fn log_can_be_text() {
    let (_folder, out) = place();
    let slide = slides().join("blank.tif");
    let said = run(&["scan", text(&slide), "-o", &out, "--log", "text"]);
    assert_eq!(said.code, Some(0), "{}", said.err);
    assert!(said.err.contains(" info  step_done "), "{}", said.err);
}

#[test]
fn params_come_from_a_file_and_flags_win() {
    let (folder, out) = place();
    let params = folder.path().join("params.yaml");
    std::fs::write(&params, "tile_px: 64\nmin_tissue: 0.25\n").unwrap();
    let slide = slides().join("blank.tif");
    let args = [
        "tile",
        text(&slide),
        "-o",
        &out,
        "-q",
        "--json",
        "--params",
        text(&params),
        "--tile-px",
        "128",
    ];
    let said = run(&args);
    assert_eq!(said.code, Some(0), "{}", said.err);
    let summary: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(summary["steps"][1]["params"]["tile_px"], 128);
    assert_eq!(summary["steps"][1]["params"]["min_tissue"], 0.25);
    std::fs::write(&params, "tile_pxx: 64\n").unwrap();
    let wrong = run(&args);
    assert_eq!(wrong.code, Some(2));
    assert!(wrong.err.contains("did you mean `tile_px`?"), "{}", wrong.err);
}

#[test]
fn a_file_that_a_param_names_is_read() {
    let (folder, out) = place();
    let labels = folder.path().join("labels.csv");
    std::fs::write(&labels, "id,label\nblank.tif,glass\n").unwrap();
    let slide = slides().join("blank.tif");
    let said = run(&["scan", text(&slide), "-o", &out, "-q", "--json", "--labels", text(&labels)]);
    assert_eq!(said.code, Some(0), "{}", said.err);
    let summary: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(summary["steps"][0]["params"]["labels"][0]["label"], "glass");
    std::fs::remove_file(&labels).unwrap();
    let gone = run(&["scan", text(&slide), "-o", &out, "-q", "--labels", text(&labels)]);
    assert_eq!(gone.code, Some(4));
    assert!(gone.err.contains("labels.csv"), "{}", gone.err);
}

#[test]
fn wrong_pipelines_are_refused_whole_with_the_place() {
    let cases = [
        ("steps: [scan]", "microtome: missing"),
        ("microtome: 2\nsteps: [scan]", "microtome: 2 where 1 is known"),
        ("microtome: 1\nsteps: []", "steps: 0 steps"),
        ("microtome: 1\nstepz: [scan]", "stepz: no such field"),
        ("microtome: 1\nsteps: [scan, tiel]", "steps[1].tiel: no such step; did you mean `tile`?"),
        (
            "microtome: 1\nsteps: [scan, {tile: {tile_pxx: 5}}]",
            "steps[1].tile.tile_pxx: `tile` has no such param; did you mean `tile_px`?",
        ),
        (
            "microtome: 1\nsteps: [scan, {tile: {tile_px: 5}}]",
            "steps[1].tile.tile_px: 5 will not do",
        ),
        ("microtome: 1\nsteps: [{tile: {mpp: 1, level: 1}}]", "steps[0].tile.level: "),
        ("microtome: 1\nsteps: [tile, scan]", "steps[1].scan: `scan` lists files"),
        ("microtome: 1\nsteps: [{tile: 5}]", "steps[0].tile: 5 is not a map of params"),
        ("microtome: 1\nsteps: [{tile: {}, scan: {}}]", "is not a step"),
        ("microtome: 1\nsteps: [scan]\nsteps: [tile]", "duplicate"),
        ("microtome: 1\nsteps: [{scan: {labels: no.csv}}]", "no.csv"),
        ("a: &a [x,x]\nb: &b [*a,*a]\nc: &c [*b,*b]\nmicrotome: 1", "steps"),
        ("[", "pipeline.yaml"),
        ("- scan", "a pipeline file is a map"),
    ];
    for (yaml, words) in cases {
        let (folder, out) = place();
        let file = folder.path().join("pipeline.yaml");
        std::fs::write(&file, yaml).unwrap();
        let said = run(&["run", text(&file), text(&slides()), "-o", &out]);
        let code = if words == "no.csv" { 4 } else { 2 };
        assert_eq!(said.code, Some(code), "{yaml}: {}", said.err);
        assert!(said.err.contains(words) || words == "steps", "{yaml}:\n{}", said.err);
        assert!(!Path::new(&out).exists(), "{yaml} made an output");
    }
}

#[test]
fn aliases_cannot_make_a_small_file_large() {
    let (folder, out) = place();
    let file = folder.path().join("pipeline.yaml");
    let mut yaml = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for n in 1..12 {
        let alias = format!("*a{}", n - 1);
        let row = vec![alias; 8].join(", ");
        yaml.push_str(&format!("a{n}: &a{n} [{row}]\n"));
    }
    std::fs::write(&file, yaml).unwrap();
    let begun = Instant::now();
    let said = run(&["run", text(&file), text(&slides()), "-o", &out]);
    assert_eq!(said.code, Some(2), "{}", said.err);
    assert!(begun.elapsed() < Duration::from_secs(10));
}

#[test]
fn steps_are_listed_and_shown() {
    let list = run(&["steps"]);
    assert!(list.out.contains("scan") && list.out.contains("tile"), "{}", list.out);
    let tile = run(&["steps", "tile"]);
    for word in ["--tile-px", "Adds", "tile.x_px", "default 256"] {
        assert!(tile.out.contains(word), "no {word} in\n{}", tile.out);
    }
    let json: Value = serde_json::from_str(&run(&["steps", "tile", "--json"]).out).unwrap();
    assert_eq!(json["params"]["properties"]["tile_px"]["default"], 256);
    assert!(json["output"]["properties"].get("tile.source_id").is_some());
}

#[test]
fn paragraphs_of_the_help_are_not_broken() {
    for args in [&["scan", "--help"][..], &["tile", "--help"], &["steps", "scan"]] {
        let said = run(args);
        let lines: Vec<&str> = said.out.lines().collect();
        for pair in lines.windows(2) {
            let broken = pair[0].ends_with(',') && pair[1].trim_start().starts_with('`');
            assert!(!broken, "{args:?}: {pair:?}");
        }
    }
}

#[test]
fn why_finds_the_dataset_around_a_file() {
    let (folder, out) = place();
    let slide = slides().join("he-pyramid.tif");
    let made = run(&["tile", text(&slide), "-o", &out, "-q", "--assume-mpp", "0.5"]);
    assert_eq!(made.code, Some(0), "{}", made.err);
    let mut folders = vec![PathBuf::from(&out).join("items")];
    let mut files = Vec::new();
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    files.sort();
    let asked = |args: &[&str]| {
        let mut command = microtome(&[&["why"], args].concat());
        command.current_dir(folder.path());
        said(command)
    };
    let file = text(files.first().unwrap());
    let found = asked(&[file]);
    assert_eq!(found.code, Some(0), "{}", found.err);
    let name = files[0].file_name().unwrap().to_str().unwrap();
    assert!(found.out.starts_with(&format!("item he-pyramid.tif/{name}\n")), "{}", found.out);
    // Seen from the current folder too, and for both of two files.
    let relative = file.strip_prefix(&format!("{}/", text(folder.path()))).unwrap();
    assert_eq!(asked(&[relative]).out, found.out);
    assert_eq!(asked(&[file, text(&files[1])]).code, Some(0));
    for (args, words) in [
        (&["/no/such", "x"][..], "error: /no/such: is no file or folder"),
        (&["/no/such"], "error: /no/such: is no file or folder"),
        (&[text(&slide)], "lies in no dataset"),
        (&["out", "/no/such"], "error: /no/such: is no dataset, and out is one"),
        (&["/no/such", "out"], "error: /no/such: is no dataset, and out is one"),
    ] {
        let said = asked(args);
        assert_eq!(said.code, Some(2), "{args:?}: {}", said.out);
        assert!(said.err.contains(words), "{args:?}: {}", said.err);
    }
}

/// A reader that goes away is no error, and above all no panic.
#[test]
fn a_closed_stdout_is_no_panic() {
    for args in [&["--help"][..], &["steps", "tile"], &["steps", "--json"]] {
        let mut child =
            microtome(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        let err = String::from_utf8_lossy(&output.stderr);
        assert!(!err.contains("panicked"), "{args:?}: {err}");
        assert_ne!(output.status.code(), Some(101), "{args:?}");
    }
}

#[test]
fn a_closed_stdin_does_not_matter() {
    let mut child = microtome(&["steps"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Bytes that nobody reads.
    let _ = child.stdin.take().unwrap().write_all(b"y\n");
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_signal_ends_a_run_soon_with_its_code() {
    for (signal, code) in [("TERM", 143), ("INT", 130)] {
        let (_folder, out) = place();
        let slides = slides();
        let flags = "--assume-mpp 0.5 --threads 1 --mpp 0.05 --max-upsampling 64 --tile-px 512 \
                     --mask none";
        let mut args = vec!["tile", text(&slides), "-o", &out];
        args.extend(flags.split_whitespace());
        let mut child =
            microtome(&args).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        // Long enough to be at work, far too short to be done.
        std::thread::sleep(Duration::from_millis(700));
        let running = child.try_wait().unwrap().is_none();
        assert!(running, "done before the signal came");
        let sent = Instant::now();
        let kill = Command::new("kill").args(["-s", signal, &child.id().to_string()]).status();
        assert!(kill.unwrap().success());
        let output = child.wait_with_output().unwrap();
        assert!(sent.elapsed() < Duration::from_secs(2), "took {:?}", sent.elapsed());
        assert_eq!(output.status.code(), Some(code));
        let err = String::from_utf8_lossy(&output.stderr);
        let last = err.lines().last();
        assert_eq!(last, Some("stopped; run the same command again, it goes on"), "{err}");
    }
}

#[test]
fn parts_are_merged() {
    let (folder, out) = place();
    let slides = slides();
    let whole = text(&folder.path().join("whole")).to_string();
    let run_to = |out: &str, shard: &[&str]| {
        let args = [&["tile", text(&slides), "-o", out, "-q", "--assume-mpp", "0.5"][..], shard];
        let said = run(&args.concat());
        assert_eq!(said.code, Some(0), "{}", said.err);
    };
    run_to(&whole, &[]);
    run_to(&out, &["--shard", "0/2"]);
    run_to(&out, &["--shard", "1/2"]);
    let merged = run(&["merge", &out, "-o", &out, "--json"]);
    assert_eq!(merged.code, Some(0), "{}", merged.err);
    let manifest = |root: &str| std::fs::read(Path::new(root).join("manifest.parquet")).unwrap();
    assert!(manifest(&out) == manifest(&whole), "the merged manifest differs");
    let differ: Value = serde_json::from_str(&run(&["why", &out, &whole, "--json"]).out).unwrap();
    assert_eq!(differ["rows"]["changed"], 0, "{differ}");
}
