//! Broken and hostile files: no panic, no hang, no memory beyond bounds, each with a clear error or a
//! right answer.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use microtome::error::Result;
use serde_json::{Value, json};

use crate::{common, data};

/// Address space of the process that reads them all, in KiB.
const MEMORY_KIB: u64 = 1 << 20;

/// Longest time for one file.
const SECONDS: u64 = 10;

/// Set in the process that reads the files: where to write what was found.
const CHILD: &str = "MICROTOME_READ_BAD_FILES";

#[test]
fn bad_files_end_in_clear_errors() {
    let test = "bad_files_end_in_clear_errors";
    let Some(folder) = common::data_or_skip(test) else { return };
    if let Ok(raw) = std::env::var(CHILD) {
        return read_all(&folder, Path::new(&raw));
    }
    let scratch = data::scratch("bad");
    let mut child = Command::new("sh")
        .args(["-c", &format!("ulimit -v {MEMORY_KIB}; exec \"$0\" \"$@\"")])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "bad::bad_files_end_in_clear_errors", "--nocapture"])
        .args(["--test-threads", "1"])
        .env(CHILD, &scratch)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let (send, receive) = mpsc::channel();
    let stdout = child.stdout.take().unwrap();
    let reader = std::thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(|line| line.ok()) {
            // The name of the test stands before the first line.
            if let Some(at) = line.find("{\"") {
                let _ = send.send(line[at..].to_owned());
            }
        }
    });
    let (mut begun, mut found) = (String::new(), Vec::new());
    loop {
        match receive.recv_timeout(Duration::from_secs(SECONDS)) {
            Ok(line) => {
                let value: Value = serde_json::from_str(&line).unwrap();
                match value["begin"].as_str() {
                    Some(name) => begun = name.to_owned(),
                    None => found.push(value),
                }
            }
            Err(mpsc::RecvTimeoutError::Timeout) => {
                child.kill().unwrap();
                panic!("{begun} took more than {SECONDS} s");
            }
            Err(mpsc::RecvTimeoutError::Disconnected) => break,
        }
    }
    reader.join().unwrap();
    let status = child.wait().unwrap();
    assert!(status.success(), "reading {begun} ended the process: {status}");
    judge(test, &folder, &found);
}

/// Reads every file and prints what came of it, a line before and a line after each.
fn read_all(folder: &Path, raw: &Path) {
    for (index, path) in data::files(&folder.join("bad")).iter().enumerate() {
        let name = path.strip_prefix(folder).unwrap().to_string_lossy();
        println!("\n{}", json!({"begin": name}));
        std::io::stdout().flush().unwrap();
        let begin = Instant::now();
        let raw = raw.join(format!("{index}.raw"));
        let outcome = catch_unwind(AssertUnwindSafe(|| read_one(path, &raw)));
        let mut line = match outcome {
            Ok(Ok(what)) => what,
            Ok(Err(error)) => json!({
                "kind": error.kind(), "message": error.to_string(), "remedy": error.remedy()
            }),
            Err(_) => json!({"kind": "panic"}),
        };
        line["name"] = json!(name);
        line["ms"] = json!(begin.elapsed().as_millis() as u64);
        println!("\n{line}");
    }
}

/// Decodes all tiles of all levels and all pictures; leaves level 0 in a file.
fn read_one(path: &Path, raw: &Path) -> Result<Value> {
    let slide = data::open(path)?;
    for (level, shape) in slide.geometry().levels.iter().enumerate() {
        let (cols, rows) = shape.grid();
        for row in 0..rows {
            for col in 0..cols {
                slide.read_tile(level, col, row)?;
            }
        }
    }
    for (name, _, _) in &slide.geometry().associated {
        slide.associated(name)?;
    }
    let image = data::whole(&*slide, 0)?;
    let bytes = data::bytes(&image);
    std::fs::write(raw, &bytes).unwrap();
    let shape = [image.height_px(), image.width_px(), image.channels().into()];
    Ok(json!({"kind": "ok", "raw": raw, "shape": shape, "dtype": data::dtype(&image),
        "sha256": data::sha256(&bytes)}))
}

fn judge(test: &str, folder: &Path, found: &[Value]) {
    let oracles = data::oracles(folder);
    let (mut wrong, mut asked, mut table) = (Vec::new(), String::new(), String::new());
    let mut counts = std::collections::BTreeMap::new();
    for outcome in found {
        let name = outcome["name"].as_str().unwrap();
        let kind = outcome["kind"].as_str().unwrap();
        *counts.entry(kind).or_insert(0) += 1;
        writeln!(table, "{name}\t{kind}\t{}", outcome["message"].as_str().unwrap_or("")).unwrap();
        match kind {
            "format" | "unsupported" | "limit" => {
                assert!(!outcome["remedy"].as_str().unwrap().is_empty(), "{name} has no remedy");
            }
            "ok" => {
                let oracle = oracles.iter().find(|(n, _)| n == name).map(|(_, o)| o);
                let same =
                    |key: &str| oracle.is_some_and(|o| o[key]["sha256"] == outcome["sha256"]);
                if !same("tifffile_page0") && !same("pillow_frame0") {
                    let mut line = outcome.clone();
                    line["file"] = json!(folder.join(name));
                    writeln!(asked, "{line}").unwrap();
                }
            }
            _ => wrong.push(outcome.to_string()),
        }
    }
    let scratch = data::scratch("bad");
    std::fs::write(scratch.join("table.tsv"), table).unwrap();
    eprintln!("{} bad files: {counts:?}: {}", found.len(), scratch.join("table.tsv").display());
    let listing = scratch.join("ask.jsonl");
    std::fs::write(&listing, asked).unwrap();
    if let Some(answers) = data::python(test, &["compare", &listing.to_string_lossy()]) {
        for answer in answers.lines() {
            let value: Value = serde_json::from_str(answer).unwrap();
            if ["pillow", "tifffile", "imagecodecs"].iter().all(|key| value[key] != 0.0) {
                wrong.push(answer.to_owned());
            }
        }
    }
    assert!(wrong.is_empty(), "{} files are wrong:\n{}", wrong.len(), wrong.join("\n"));
    assert!(found.len() > 100, "only {} files were read", found.len());
}
