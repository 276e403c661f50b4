//! The code keeps to its layers: arrows point only downwards, and what only one part of the house
//! may do, only that part does.

mod common;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// The layer of every module of the crate. A module may use those of lower layers; of its own only
/// those in [`BESIDE`].
const LAYERS: &[(&str, u32)] = &[
    ("error", 0),
    ("digest", 0),
    ("random", 0),
    ("yaml", 0),
    ("image", 1),
    ("slide", 1),
    ("stain", 1),
    ("pixels", 1),
    ("background", 1),
    ("annotation", 1),
    ("manifest", 1),
    ("record", 1),
    ("registry", 1),
    ("distribution", 1),
    ("summary", 1),
    ("step", 2),
    ("dataset", 2),
    ("steps", 3),
    ("engine", 4),
    ("describe", 4),
    ("kubeflow", 4),
    ("pipeline", 4),
    ("compile", 4),
    ("report", 4),
    ("lineage", 4),
    ("cli", 5),
];

/// Arrows within a layer: (from, to). Each is a decision.
const BESIDE: &[(&str, &str)] = &[
    ("digest", "error"),
    ("random", "digest"),
    ("random", "error"),
    ("yaml", "error"),
    ("slide", "image"),
    ("pixels", "image"),
    // Stain augmentation is a table like every other.
    ("pixels", "stain"),
    ("background", "image"),
    ("summary", "distribution"),
    ("pipeline", "describe"),
    ("compile", "describe"),
    ("compile", "pipeline"),
    ("compile", "engine"),
    ("kubeflow", "describe"),
    ("kubeflow", "engine"),
    ("kubeflow", "pipeline"),
    // What classes there are, and the pages of parts and errors.
    ("kubeflow", "report"),
    // The report is written by the run, just before the manifest.
    ("engine", "report"),
    ("report", "lineage"),
];

/// What is found in the code (comments, texts and tests left out), and the modules that may have it.
const RESERVED: &[(&str, &[&str])] = &[
    ("std::fs", &["dataset"]),
    ("File::open", &["dataset"]),
    ("println!", &["cli"]),
    ("print!", &["cli"]),
    ("dbg!", &[]),
    ("process::exit", &["cli"]),
    ("stdout()", &["cli"]),
    ("stderr()", &["cli"]),
    ("std::env::var", &["dataset"]),
    ("SystemTime", &["cli"]),
    ("Instant", &["cli", "engine", "lineage"]),
    ("blake3", &["digest"]),
    ("todo!", &[]),
    ("unimplemented!", &[]),
];

/// Files that may have `unsafe`, each with the benchmark that shows what it buys. None so far.
const UNSAFE: &[&str] = &[];

struct Source {
    path: String,
    module: String,
    code: String,
}

/// The code of every file under `src`, without comments, text literals and test modules.
fn sources() -> Vec<Source> {
    let mut sources = Vec::new();
    walk(&common::root().join("src"), &mut |path| {
        let below = path.strip_prefix(common::root().join("src")).unwrap();
        let name = below.to_str().unwrap().replace('\\', "/");
        let is_test = name.ends_with("/tests.rs") || name.ends_with("/probe.rs");
        if is_test {
            return;
        }
        let module = name.split('/').next().unwrap().trim_end_matches(".rs").to_string();
        sources.push(Source { module, code: code(&fs::read_to_string(path).unwrap()), path: name });
    });
    assert!(sources.len() > 20, "only {} files were found", sources.len());
    sources
}

fn walk(folder: &Path, found: &mut dyn FnMut(&Path)) {
    let mut entries: Vec<_> = fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            walk(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            found(&path);
        }
    }
}

/// Rust without comments and texts, up to its test module.
fn code(text: &str) -> String {
    let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
    let mut code = String::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let skipped = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |end| end + 2)
        } else if let Some(length) = raw_text(rest) {
            length
        } else if c == '"' {
            quoted(rest)
        } else if let Some(length) = character(rest) {
            length
        } else {
            code.push(c);
            rest = &rest[c.len_utf8()..];
            continue;
        };
        rest = &rest[skipped..];
    }
    code
}

/// Length of a `r"…"` or `r#"…"#` that the text begins with.
fn raw_text(rest: &str) -> Option<usize> {
    let hashes = rest.strip_prefix('r')?;
    let count = hashes.len() - hashes.trim_start_matches('#').len();
    let inside = hashes[count..].strip_prefix('"')?;
    let end = format!("\"{}", "#".repeat(count));
    Some(1 + count + 1 + inside.find(&end)? + end.len())
}

/// Length of a `"…"` that the text begins with.
fn quoted(rest: &str) -> usize {
    let bytes = rest.as_bytes();
    let mut at = 1;
    while at < bytes.len() && bytes[at] != b'"' {
        at += if bytes[at] == b'\\' { 2 } else { 1 };
    }
    (at + 1).min(rest.len())
}

/// Length of a character literal that the text begins with; lifetimes are none.
fn character(rest: &str) -> Option<usize> {
    let inside = rest.strip_prefix('\'')?;
    if inside.starts_with('\\') {
        return inside[2..].find('\'').map(|end| end + 4);
    }
    let c = inside.chars().next()?;
    inside[c.len_utf8()..].starts_with('\'').then(|| c.len_utf8() + 2)
}

/// The modules of the crate that some code uses: `crate::a::…` and `crate::{a::…, b}`.
fn used(code: &str) -> BTreeSet<String> {
    let mut used = BTreeSet::new();
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + "crate::".len()..];
        if let Some(group) = rest.strip_prefix('{') {
            let mut depth = 0;
            let mut name = String::new();
            for c in group.chars() {
                match c {
                    '{' => depth += 1,
                    '}' if depth == 0 => break,
                    '}' => depth -= 1,
                    _ => {}
                }
                if depth == 0 && (c.is_alphanumeric() || c == '_' || c == ':') {
                    name.push(c);
                } else if depth == 0 && c == ',' {
                    used.insert(head(&std::mem::take(&mut name)));
                }
            }
            used.insert(head(&name));
        } else {
            used.insert(head(rest));
        }
    }
    used
}

fn head(path: &str) -> String {
    path.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

fn layer(module: &str) -> Option<u32> {
    LAYERS.iter().find(|(name, _)| *name == module).map(|(_, layer)| *layer)
}

#[test]
fn every_module_has_a_layer() {
    for source in sources() {
        let root = source.module == "lib" || source.module == "main";
        assert!(
            root || layer(&source.module).is_some(),
            "src/{} is of no layer: give `{}` its line in LAYERS, and in the plan",
            source.path,
            source.module
        );
    }
}

#[test]
fn arrows_point_downwards() {
    let mut wrong = Vec::new();
    let mut unused = BESIDE.to_vec();
    for source in sources() {
        let Some(own) = layer(&source.module) else { continue };
        for name in used(&source.code) {
            let Some(other) = layer(&name).filter(|_| name != source.module) else { continue };
            if other > own {
                wrong.push(format!(
                    "src/{}: layer {own} uses `{name}` of layer {other}",
                    source.path
                ));
            } else if other == own {
                let arrow = (source.module.as_str(), name.as_str());
                unused.retain(|(from, to)| (*from, *to) != arrow);
                if !BESIDE.contains(&arrow) {
                    wrong.push(format!("src/{}: {arrow:?} is not in BESIDE", source.path));
                }
            }
        }
    }
    wrong.extend(unused.iter().map(|arrow| format!("{arrow:?} is in BESIDE and not in the code")));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_one_part_may_do_only_that_part_does() {
    let mut wrong = Vec::new();
    for source in sources() {
        for (words, allowed) in RESERVED {
            if source.code.contains(words) && !allowed.contains(&source.module.as_str()) {
                wrong.push(format!(
                    "src/{} has `{words}`, which only {allowed:?} may have",
                    source.path
                ));
            }
        }
        let is_unsafe = source.code.split(|c: char| !c.is_alphanumeric() && c != '_');
        if is_unsafe.into_iter().any(|w| w == "unsafe") && !UNSAFE.contains(&source.path.as_str()) {
            wrong.push(format!("src/{} has `unsafe` and is not in the list", source.path));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The reader of the code has to be right for the rest to mean anything.
#[test]
fn comments_texts_and_tests_are_no_code() {
    let text = "use crate::{a::{x, y}, b, self};\n// crate::c\nlet s = \"crate::d // \\\" x\";\n\
                let r = r#\"crate::e \"q\" \"#; let q = '\"'; let l: &'static str = crate::f::g();\n\
                #[cfg(test)]\nmod tests {\n use crate::h;\n}\n";
    let found: Vec<String> = used(&code(text)).into_iter().filter(|m| m.len() == 1).collect();
    assert_eq!(found, ["a", "b", "f"]);
}

#[test]
fn files_stay_short() {
    let mut long = Vec::new();
    for folder in ["src", "tests", "benches", "components"] {
        let folder = common::root().join(folder);
        if folder.is_dir() {
            walk(&folder, &mut |path| {
                let lines = fs::read_to_string(path).unwrap().lines().count();
                if lines > 450 {
                    long.push(format!("{}: {lines} lines", path.display()));
                }
            });
        }
    }
    assert!(long.is_empty(), "more than 450 lines: split\n{}", long.join("\n"));
}
