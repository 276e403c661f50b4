//! The ledger: what each released version of a step gives on its cases never changes, and a version
//! moves as far as its outputs do.
//!
//! A case is `fixtures/cases/<step>/<case>.yaml`: a fixture (a file for an image step, a folder for
//! `scan` and for a group, a CSV for a manifest step), params, and columns that the manifest would have. What a group leaves is put
//! together at once.

mod common;
mod ledger;
#[path = "common/table.rs"]
mod table;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ledger::{Bump, Fields, State, Verdict, Version};
use microtome::describe::{self, Shape};
use microtome::digest::Digest;
use microtome::image::Samples;
use microtome::slide::memory::Bytes;
use microtome::slide::{Limits, ReadAt};
use microtome::step::{
    AnyInput, Collected, Crew, Entry, Grain, Group, Listed, Listing, Made, Manifest, Member, Of,
    Source, table_of,
};
use microtome::steps::STEPS;
use serde_json::{Map, Value, json};

/// A case as its file has it.
struct Case {
    name: String,
    fixture: PathBuf,
    params: Value,
    columns: BTreeMap<String, Value>,
}

fn cases(step: &str) -> Vec<Case> {
    let folder = common::fixture("cases").join(step);
    let files = fs::read_dir(&folder).unwrap_or_else(|_| panic!("`{step}` has no {folder:?}"));
    let mut files: Vec<_> = files.map(|f| f.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty(), "`{step}` has no case");
    files.iter().map(|file| case(file)).collect()
}

fn case(file: &Path) -> Case {
    let place = file.display().to_string();
    let Value::Object(mut fields) =
        microtome::yaml::document(&place, &fs::read(file).unwrap()).unwrap()
    else {
        panic!("{place} is no map");
    };
    let fixture = fields.remove("fixture").and_then(|f| f.as_str().map(common::fixture));
    let columns = match fields.remove("columns") {
        Some(Value::Object(columns)) => columns.into_iter().collect(),
        _ => BTreeMap::new(),
    };
    let params = fields.remove("params").unwrap_or_default();
    assert!(fields.is_empty(), "{place}: {:?} is known to nobody", fields.keys());
    Case {
        name: file.file_stem().unwrap().to_str().unwrap().to_string(),
        fixture: fixture.unwrap_or_else(|| panic!("{place} names no fixture")),
        params,
        columns,
    }
}

fn run(entry: &'static Entry, case: &Case) -> Collected {
    let step = entry.make(case.params.clone()).unwrap();
    let input = match entry.grain {
        Grain::Image => {
            let bytes = fs::read(&case.fixture).unwrap();
            let digest = Digest::of(&bytes);
            let columns = case.columns.clone();
            let bytes = Arc::new(Bytes(bytes));
            AnyInput::Source(Source::new(bytes, digest, columns, Limits::default()))
        }
        Grain::Listing => {
            let mut files = Vec::new();
            list(&case.fixture, &case.fixture, &mut files);
            files.sort_by(|a, b| a.id.cmp(&b.id));
            AnyInput::Listing(Listing { files, limits: Limits::default() })
        }
        Grain::Group => {
            let mut files = Vec::new();
            list(&case.fixture, &case.fixture, &mut files);
            let members = files.into_iter().map(|f| member(f.digest, f.open));
            group(members.collect(), Of::Items)
        }
        Grain::Manifest => {
            let table = table_of(table::of_csv(&fs::read(&case.fixture).unwrap())).unwrap();
            let columns = step.columns(table.schema()).unwrap();
            AnyInput::Manifest(Manifest::new(table, columns))
        }
    };
    let mut collected = Collected::default();
    let crew = Crew::new(2).unwrap();
    let failed = |e| panic!("{} {}: {e}", entry.name, case.name);
    step.run(input, &mut collected, &crew).unwrap_or_else(failed);
    if collected.kept.iter().any(|(_, joins)| *joins) {
        let left = collected.left.iter().map(|made| {
            let bytes = made.bytes.clone();
            member(made.digest, Box::new(move || Ok(Arc::new(Bytes(bytes.clone())))))
        });
        step.run(group(left.collect(), Of::Left), &mut collected, &crew).unwrap_or_else(failed);
    }
    collected
}

type Open = Box<dyn Fn() -> microtome::Result<Arc<dyn ReadAt>> + Send + Sync>;

fn member(digest: Digest, open: Open) -> Member {
    Member::new(digest, BTreeMap::new(), Limits::default(), open)
}

fn group(mut members: Vec<Member>, of: Of) -> AnyInput {
    members.sort_by_key(|member| *member.digest());
    AnyInput::Group(Group { members, of })
}

fn list(root: &Path, folder: &Path, files: &mut Vec<Listed>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            list(root, &path, files);
            continue;
        }
        let bytes = fs::read(&path).unwrap();
        let id = path.strip_prefix(root).unwrap().to_str().unwrap().replace('\\', "/");
        files.push(Listed {
            path: id.clone(),
            id,
            length: bytes.len() as u64,
            digest: Digest::of(&bytes),
            given: BTreeMap::new(),
            open: Box::new(move || Ok(Arc::new(Bytes(bytes.clone())))),
        });
    }
}

/// Digest of the pixels of an encoded image: shape and samples of every source tile, in order. Of an
/// array, its bytes: nothing is encoded in it.
fn pixels(made: &Made) -> Digest {
    if !made.media_type.starts_with("image/") {
        return made.digest;
    }
    let source = Source::from_bytes(made.bytes.clone());
    let slide = source.slide().unwrap_or_else(|e| panic!("{}: {e}", made.name));
    let level = &slide.geometry().levels[0];
    let (columns, rows) = level.grid();
    let mut all = vec![Digest::of_json(&(level.width_px, level.height_px)).unwrap()];
    for (row, col) in (0..rows).flat_map(|row| (0..columns).map(move |col| (row, col))) {
        let tile = slide.read_tile(0, col, row).unwrap_or_else(|e| panic!("{}: {e}", made.name));
        let shape = (tile.width_px(), tile.height_px(), tile.channels());
        all.push(Digest::of_json(&shape).unwrap());
        all.push(match tile.samples() {
            Samples::U8(v) => Digest::of(v),
            Samples::U16(v) => {
                Digest::of(&v.iter().flat_map(|s| s.to_le_bytes()).collect::<Vec<_>>())
            }
            Samples::F32(v) => {
                Digest::of(&v.iter().flat_map(|s| s.to_le_bytes()).collect::<Vec<_>>())
            }
        });
    }
    Digest::of_digests(&all)
}

/// The line of a case, with the facts that `known` admits.
fn case_fields(made: &Collected, known: &dyn Fn(&str) -> bool) -> Fields {
    let facts = |map: &Map<String, Value>| -> Map<String, Value> {
        map.iter().filter(|(name, _)| known(name)).map(|(n, v)| (n.clone(), v.clone())).collect()
    };
    let named = |made: &Made| json!([made.name, Digest::of(&made.bytes).to_string()]);
    let pixels: Vec<Value> =
        made.items.iter().map(|i| json!([i.name, pixels(i).to_string()])).collect();
    let all = made.items.iter().chain(&made.previews).chain(&made.left);
    let bytes: Vec<Value> = all.map(named).collect();
    let mut values: Vec<Value> =
        made.items.iter().map(|i| json!([i.name, i.media_type, facts(&i.facts)])).collect();
    values.extend(made.found.iter().map(|f| {
        json!([
            f.id,
            f.length,
            f.digest.to_string(),
            f.media_type,
            f.width_px,
            f.height_px,
            f.label,
            f.group,
            facts(&f.facts)
        ])
    }));
    values.extend(made.kept.iter().map(|(kept, joins)| json!([facts(kept), joins])));
    values.extend(made.rows.iter().map(|rows| table::said(rows, known)));
    if !made.rows.is_empty() {
        values.push(json!([made.findings, made.notes]));
    }
    values.extend(made.failed.iter().map(|(id, error)| json!([id, error.kind()])));
    let digest = |values: Vec<Value>| Digest::of_json(&values).unwrap().to_string();
    Fields::from([
        (
            "items".into(),
            (made.items.len() + made.found.len() + table::went_on(&made.rows)).to_string(),
        ),
        ("pixels".into(), digest(pixels)),
        ("bytes".into(), digest(bytes)),
        ("facts".into(), digest(values)),
    ])
}

/// The lines of what a step declares.
fn declared(entry: &'static Entry) -> State {
    let mut state = State::new();
    let yes = |b: bool| if b { "yes" } else { "no" }.to_string();
    for param in describe::params(entry).unwrap() {
        let mut fields = Fields::from([
            // A value must be one word of the line.
            ("default".into(), param.default.to_string().replace(' ', "\\u0020")),
            ("null".into(), yes(param.nullable)),
        ]);
        let kind = match &param.shape {
            Shape::Choice(choices) => {
                let words: Vec<&str> = choices.iter().map(|c| c.value.as_str()).collect();
                fields.insert("words".into(), words.join(","));
                "word".to_string()
            }
            shape => shape.name().replace(' ', "-"),
        };
        fields.insert("type".into(), kind);
        for (name, bound) in [("min", &param.min), ("max", &param.max)] {
            if let Some(bound) = bound {
                fields.insert(name.into(), bound.to_string());
            }
        }
        state.insert(format!("param {}", param.name), fields);
    }
    for fact in entry.facts() {
        let kind = fact.field.kind.json_name().to_string();
        let fields = Fields::from([("type".into(), kind), ("null".into(), yes(fact.nullable))]);
        state.insert(format!("fact {}", fact.short), fields);
    }
    for column in entry.reads {
        let fields = Fields::from([("type".into(), column.kind.json_name().to_string())]);
        state.insert(format!("reads {}", column.name), fields);
    }
    state
}

#[test]
fn released_versions_give_what_they_gave() {
    let mut wrong = Vec::new();
    for entry in STEPS {
        let place = common::root().join("components").join(entry.name).join("golden.lock");
        let text = fs::read_to_string(&place).unwrap_or_default();
        let versions = ledger::parse(&text).unwrap_or_else(|e| panic!("{}: {e}", place.display()));
        let released = versions.last();
        let version = Version::parse(entry.version).unwrap();
        let made: Vec<_> =
            cases(entry.name).iter().map(|c| (c.name.clone(), run(entry, c))).collect();
        let state = |known: &dyn Fn(&str) -> bool| {
            let mut state = declared(entry);
            for (name, made) in &made {
                state.insert(format!("case {name}"), case_fields(made, known));
            }
            state
        };
        let comparable = state(&|fact| {
            released.is_none_or(|(_, old)| old.contains_key(&format!("fact {fact}")))
        });
        let full = state(&|_| true);
        match ledger::judge(entry.name, version, released, &comparable, &full) {
            Verdict::Kept => {}
            Verdict::Append(lines) if common::bless() => {
                fs::write(&place, ledger::append(&text, version, &lines)).unwrap();
            }
            Verdict::Append(lines) => {
                let names: Vec<_> = lines.keys().take(3).cloned().collect();
                let step = entry.name;
                wrong.push(format!(
                    "the ledger of {step} {version} lacks {} lines ({}, …): {}",
                    lines.len(),
                    names.join(", "),
                    ledger::BLESS
                ));
            }
            Verdict::Move(message) => wrong.push(message),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_version_stands_in_its_changelog() {
    for entry in STEPS {
        let place = common::root().join("components").join(entry.name).join("CHANGELOG.md");
        let text = fs::read_to_string(&place).unwrap_or_else(|e| panic!("{place:?}: {e}"));
        let heading = format!("## {}", entry.version);
        assert!(text.lines().any(|l| l.starts_with(&heading)), "{place:?} lacks `{heading}`");
        assert!(text.contains("\n## Wrong results\n"), "{place:?} lacks `## Wrong results`");
    }
}

fn state(lines: &[(&str, &[(&str, &str)])]) -> State {
    let own = |(k, v): &(&str, &str)| (k.to_string(), v.to_string());
    lines
        .iter()
        .map(|(name, fields)| (name.to_string(), fields.iter().map(own).collect()))
        .collect()
}

fn example() -> State {
    state(&[
        ("case he", &[("items", "2"), ("pixels", "p"), ("bytes", "b"), ("facts", "f")]),
        ("fact x_px", &[("type", "integer"), ("null", "no")]),
        ("param edge", &[("type", "word"), ("default", "skip"), ("words", "skip,pad")]),
        ("param size", &[("type", "integer"), ("default", "512"), ("min", "1"), ("max", "8")]),
        ("reads mpp", &[("type", "number")]),
    ])
}

/// The example with one field changed, or a line taken away (empty field) or added.
fn changed(name: &str, field: &str, value: &str) -> State {
    let mut state = example();
    if field.is_empty() {
        assert!(state.remove(name).is_some());
    } else {
        state.entry(name.into()).or_default().insert(field.into(), value.into());
    }
    state
}

#[test]
fn each_change_has_its_bump() {
    let expected = [
        (Bump::None, changed("case other", "items", "1")),
        (Bump::Major, changed("case he", "pixels", "q")),
        (Bump::Major, changed("case he", "facts", "g")),
        (Bump::Major, changed("case he", "items", "3")),
        (Bump::Patch, changed("case he", "bytes", "c")),
        (Bump::Major, changed("case he", "", "")),
        (Bump::Major, changed("param size", "default", "256")),
        (Bump::Major, changed("param size", "type", "number")),
        (Bump::Major, changed("param size", "min", "2")),
        (Bump::Major, changed("param size", "max", "7")),
        (Bump::Minor, changed("param size", "max", "9")),
        (Bump::Minor, changed("param size", "null", "yes")),
        (Bump::Major, changed("param size", "", "")),
        (Bump::Minor, changed("param new", "type", "integer")),
        (Bump::Minor, changed("param edge", "words", "skip,shift,pad")),
        (Bump::Major, changed("param edge", "words", "skip")),
        (Bump::Minor, changed("fact new", "type", "integer")),
        (Bump::Major, changed("fact x_px", "", "")),
        (Bump::Major, changed("fact x_px", "null", "yes")),
        (Bump::Minor, changed("reads mpp", "", "")),
        (Bump::Major, changed("reads label", "type", "string")),
    ];
    for (bump, new) in expected {
        let (found, reasons) = ledger::bump(&example(), &new);
        assert_eq!(found, bump, "{reasons:?}");
        assert_eq!(reasons.is_empty(), bump == Bump::None);
    }
}

#[test]
fn a_version_must_move_far_enough() {
    let released = (Version(1, 2, 3), example());
    let judge = |version, new: &State| ledger::judge("tile", version, Some(&released), new, new);
    let pixels = changed("case he", "pixels", "q");
    assert_eq!(
        judge(Version(1, 3, 0), &pixels),
        Verdict::Move(
            "tile 1.2.3 gives other pixels for case he: set VERSION to 2.0.0, then BLESS=1 cargo \
             test --release --test golden"
                .into()
        )
    );
    assert_eq!(judge(Version(2, 0, 0), &pixels), Verdict::Append(pixels.clone()));
    let bytes = changed("case he", "bytes", "c");
    assert!(matches!(judge(Version(1, 2, 3), &bytes), Verdict::Move(_)));
    assert_eq!(judge(Version(1, 2, 4), &bytes), Verdict::Append(bytes.clone()));
    let param = changed("param new", "type", "integer");
    assert!(matches!(judge(Version(1, 2, 9), &param), Verdict::Move(_)));
    assert_eq!(judge(Version(1, 3, 0), &param), Verdict::Append(param.clone()));
    assert_eq!(judge(Version(1, 2, 3), &example()), Verdict::Kept);
    assert!(matches!(judge(Version(1, 2, 2), &example()), Verdict::Move(_)));
    let case = changed("case other", "items", "1");
    let added = state(&[("case other", &[("items", "1")])]);
    assert_eq!(judge(Version(1, 2, 3), &case), Verdict::Append(added));
}

#[test]
fn a_ledger_is_read_back_and_a_changed_line_is_noticed() {
    let first = ledger::append("", Version(1, 0, 0), &example());
    let second = ledger::append(&first, Version(1, 0, 1), &changed("case he", "bytes", "c"));
    assert!(second.starts_with(&first));
    let versions = ledger::parse(&second).unwrap();
    assert_eq!(versions.len(), 2);
    assert_eq!(versions[0], (Version(1, 0, 0), example()));
    let forged = second.replacen("pixels=p", "pixels=q", 1);
    assert!(ledger::parse(&forged).unwrap_err().contains("released lines never change"));
    assert!(ledger::parse(&format!("{second}1.0.1 case forged items=1\n")).is_err());
    assert!(ledger::parse("1.0 case he\n").is_err());
    assert_eq!(ledger::parse(""), Ok(Vec::new()));
}
