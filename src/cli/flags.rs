//! The flags of a step, built from its schema when the program starts.

use clap::builder::{PossibleValue, PossibleValuesParser};
use clap::{Arg, ArgAction, ArgMatches, Command};
use serde_json::{Map, Number, Value};

use super::{knobs, shown};
use crate::describe::{self, Param, Shape, first_paragraph, reflow};
use crate::error::{Error, Result};
use crate::pipeline;
use crate::step::{AnyStep, Entry, Grain};
use crate::yaml;

/// Heading of the params in the help.
pub const MADE: &str = "What is made";

/// The command of a step under this name (`tile`, or `microtome-tile` for its own binary).
///
/// # Errors
/// [`Error::Bug`] when a param has a shape that no flag can have.
pub fn step_command(entry: &'static Entry, binary: &str) -> Result<Command> {
    let doc = describe::doc(entry);
    let about = first_paragraph(&doc);
    let (page, written) = split_examples(&doc);
    let params = describe::params(entry)?;
    let examples = written.unwrap_or_else(|| made_up(entry, &params, binary));
    let input = match entry.grain {
        Grain::Listing => {
            "A folder, one file, a CSV or Parquet list, or an az://, abfss://, s3:// or gs:// prefix"
        }
        Grain::Image | Grain::Group | Grain::Manifest => {
            "A dataset; anything else (a folder of images, a list, one file, a prefix) is scanned first"
        }
    };
    let mut command = Command::new(entry.name)
        .about(about)
        .long_about(shown::page(&page))
        .version(entry.version)
        .next_help_heading(MADE)
        .after_help(format!("EXAMPLES\n{examples}"))
        .arg(knobs::input(input))
        .arg(
            Arg::new("params")
                .long("params")
                .value_name("FILE")
                .help("Params from a YAML or JSON file; flags win over it")
                .help_heading(MADE),
        );
    for param in &params {
        command = command.arg(flag(param));
    }
    Ok(knobs::add(command))
}

/// Names of the flags of a step that are not params.
pub fn reserved() -> Vec<String> {
    let command = knobs::add(Command::new("step").arg(knobs::input("")));
    let own = ["params", "help", "version"].map(str::to_string);
    command
        .get_arguments()
        .filter_map(|arg| arg.get_long().map(str::to_string))
        .chain(own)
        .collect()
}

fn flag(param: &Param) -> Arg {
    let mut notes = Vec::new();
    if let Some(default) = param.default_text() {
        notes.push(format!("default: {default}"));
    }
    notes.extend(param.range());
    let notes = if notes.is_empty() { String::new() } else { format!(" [{}]", notes.join("; ")) };
    let short = first_paragraph(&param.doc);
    let arg = Arg::new(param.name.clone())
        .long(param.long())
        .help_heading(MADE)
        .help(format!("{}{notes}", short.trim_end_matches('.')))
        .long_help(format!("{}{notes}", reflow(&param.doc)));
    shaped(arg, &param.shape)
}

fn shaped(arg: Arg, shape: &Shape) -> Arg {
    match shape {
        Shape::Bool => arg
            .value_name("true|false")
            .num_args(0..=1)
            .require_equals(true)
            .default_missing_value("true")
            .hide_possible_values(true)
            .value_parser(["true", "false"]),
        Shape::Int => arg.value_name("N").allow_negative_numbers(true),
        Shape::Float => arg.value_name("NUMBER").allow_negative_numbers(true),
        Shape::Text => arg.value_name("TEXT"),
        Shape::File(format) if format.is_made() => {
            arg.value_name("FILE").action(ArgAction::Append).value_delimiter(',')
        }
        Shape::File(_) => arg.value_name("FILE"),
        Shape::Choice(choices) => {
            let values = choices.iter().map(|choice| {
                PossibleValue::new(choice.value.clone()).help(first_paragraph(&choice.doc))
            });
            arg.value_name("WORD").value_parser(PossibleValuesParser::new(values))
        }
        Shape::List(of) => shaped(arg, of)
            .num_args(1)
            .require_equals(false)
            .action(ArgAction::Append)
            .value_delimiter(','),
    }
}

/// The doc comment without its `# Examples`, and what stood there in code blocks.
fn split_examples(doc: &str) -> (String, Option<String>) {
    let Some((before, rest)) = doc.split_once("# Examples\n") else {
        return (doc.to_string(), None);
    };
    let (examples, after) =
        rest.split_once("\n# ").map_or((rest, String::new()), |(e, a)| (e, format!("# {a}")));
    let mut inside = false;
    let mut lines = Vec::new();
    for line in examples.lines() {
        if line.trim_start().starts_with("```") {
            inside = !inside;
        } else if inside {
            lines.push(format!("  {line}"));
        }
    }
    let examples = (!lines.is_empty()).then(|| lines.join("\n"));
    (format!("{before}{after}").trim_end().to_string(), examples)
}

/// Examples for a step whose author gave none: the plain call, params from a file, and a shard.
fn made_up(entry: &Entry, params: &[Param], binary: &str) -> String {
    let input = match entry.grain {
        Grain::Listing => "images/",
        Grain::Image | Grain::Group | Grain::Manifest => "dataset/",
    };
    let mut lines = vec![format!("  {binary} {input} -o out")];
    if params.iter().any(|p| p.default_text().is_some()) {
        lines.push(format!("  {binary} {input} -o out --params params.yaml"));
    }
    lines.push(format!("  {binary} {input} -o part-0 --shard 0/4 --threads 8"));
    lines.join("\n")
}

/// The step with the params of the `--params` file and the flags, flags winning.
///
/// # Errors
/// [`Error::Params`] naming the flag; as `read` for files that cannot be read.
pub fn step_of(
    entry: &'static Entry,
    matches: &ArgMatches,
    read: pipeline::Read,
) -> Result<Box<dyn AnyStep>> {
    let mut given = Map::new();
    if let Some(file) = matches.get_one::<String>("params") {
        given = match yaml::document(file, &read(file)?)? {
            Value::Null => Map::new(),
            Value::Object(map) => map,
            _ => return Err(Error::params("--params", format!("{file} is not a map of params"))),
        };
    }
    for param in describe::params(entry)? {
        if let Some(texts) = matches.get_many::<String>(&param.name) {
            let texts: Vec<&str> = texts.map(String::as_str).collect();
            given.insert(param.name.clone(), value(&param, &texts)?);
        }
    }
    // The flag's own name; what stands behind it is a place in its value.
    let named = |field: &str| {
        let (flag, place) = field.split_at(field.find(['.', '[']).unwrap_or(field.len()));
        format!("--{}{place}", flag.replace('_', "-"))
    };
    pipeline::make(entry, given, &named, read)
}

fn value(param: &Param, texts: &[&str]) -> Result<Value> {
    let one = |shape: &Shape, text: &str| match shape {
        Shape::Bool => Ok(Value::Bool(text == "true")),
        Shape::Int | Shape::Float => number(param, text),
        Shape::Text | Shape::Choice(_) | Shape::File(_) => Ok(text.into()),
        Shape::List(_) => Err(Error::Bug { message: format!("{} nests lists", param.name) }),
    };
    match &param.shape {
        Shape::File(format) if format.is_made() => {
            Ok(texts.iter().copied().map(Value::from).collect())
        }
        Shape::List(of) => texts.iter().map(|text| one(of, text)).collect(),
        shape => one(shape, texts.last().copied().unwrap_or_default()),
    }
}

/// A number, whole or not: whether it will do is the schema's to say.
fn number(param: &Param, text: &str) -> Result<Value> {
    if let Ok(whole) = text.parse::<i64>() {
        return Ok(whole.into());
    }
    let float = text.parse::<f64>().ok().and_then(Number::from_f64);
    float.map(Value::Number).ok_or_else(|| {
        let range = param.range().map(|r| format!(" (allowed: {r})")).unwrap_or_default();
        let text: String = text.chars().take(80).collect();
        Error::params(param.flag(), format!("{text:?} is not a finite number{range}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compile::kubernetes;
    use crate::describe::probe;

    fn read(path: &str) -> Result<Vec<u8>> {
        match path {
            "p.yaml" => Ok(b"size_px: 64\nmin_tissue: 0.25\n".to_vec()),
            "classes.csv" => Ok(b"name,code\ntumor,1\n".to_vec()),
            _ => Err(Error::store(path, "not there")),
        }
    }

    fn params(flags: &[&str]) -> Result<Value> {
        let entry = &probe::STEPS[1];
        let line = ["probe", "in", "-o", "out"].iter().chain(flags);
        let matches = step_command(entry, "probe")?.try_get_matches_from(line).unwrap();
        Ok(step_of(entry, &matches, &read)?.params().clone())
    }

    #[test]
    fn every_shape_has_its_flag() {
        let made = params(&[
            "--mpp=0.5",
            "--size-px=128.0",
            "--edge=pad",
            "--loud",
            "--include=*.svs,*.tif",
            "--include",
            "*.png",
            "--note=a,b",
            "--classes=classes.csv",
        ])
        .unwrap();
        assert_eq!(made["mpp"], 0.5);
        assert_eq!(made["size_px"], 128);
        assert_eq!(made["edge"], "pad");
        assert_eq!(made["loud"], true);
        assert_eq!(made["include"], serde_json::json!(["*.svs", "*.tif", "*.png"]));
        assert_eq!(made["note"], "a,b");
        assert_eq!(made["classes"][0]["name"], "tumor");
        assert_eq!(params(&["--loud=false"]).unwrap(), (probe::STEPS[1].default_params)());
    }

    /// What a cluster's file says of params is read here.
    #[test]
    fn what_a_cluster_is_told_is_read_back() {
        let entry = &probe::STEPS[1];
        let given = [
            serde_json::json!({"mpp": 1e-2, "size_px": 1, "min_tissue": 0.0, "edge": "pad", "loud": true}),
            serde_json::json!({"include": ["-x", "--a=b", " ", "'\""], "note": "-1", "min_tissue": 0.1}),
            serde_json::json!({"include": ["a,b", "", "1e3", "no\n"], "note": "\u{85}\u{2028}\0é: #"}),
            serde_json::json!({"classes": [{"name": "a, b", "code": "0x1f"}], "note": "y".repeat(999)}),
        ];
        for given in given {
            let step = entry.make(given.clone()).unwrap();
            let said = kubernetes::said(entry, given.as_object().unwrap()).unwrap();
            let file = yaml::text(&Value::Object(said.file)).unwrap();
            let read = |_: &str| Ok(file.clone().into_bytes());
            let line = ["probe", "in", "--output=out", "--params=params.yaml"].map(String::from);
            let line = line.into_iter().chain(said.flags);
            let matches = step_command(entry, "probe").unwrap().try_get_matches_from(line).unwrap();
            let again = step_of(entry, &matches, &read).unwrap();
            assert_eq!(again.params(), step.params(), "{given}\n{file}");
        }
    }

    #[test]
    fn flags_win_over_the_file() {
        let made = params(&["--params", "p.yaml", "--size-px", "32"]).unwrap();
        assert_eq!((&made["size_px"], &made["min_tissue"]), (&32.into(), &0.25.into()));
    }

    #[test]
    fn errors_name_the_flag() {
        let cases: &[(&[&str], &str)] = &[
            (&["--size-px=0"], "--size-px"),
            (&["--size-px=12x"], "--size-px"),
            (&["--min-tissue=nan"], "--min-tissue"),
            (&["--min-tissue", "-0.5"], "--min-tissue"),
            (&["--mpp=inf"], "--mpp"),
        ];
        for (flags, name) in cases {
            match params(flags) {
                Err(Error::Params { field, .. }) => assert_eq!(field, *name),
                other => panic!("{flags:?}: {other:?}"),
            }
        }
        assert!(matches!(params(&["--classes=gone.csv"]), Err(Error::Store { .. })));
    }

    #[test]
    fn examples_come_from_the_page() {
        let help = step_command(&probe::STEPS[1], "probe").unwrap().render_help().to_string();
        assert!(help.contains("EXAMPLES\n  microtome probe slides/ -o out --size-px 64"), "{help}");
        assert!(help.contains("Edge of a probe in pixels [default: 512; 1 to 4096]"), "{help}");
        assert!(!help.contains("A second paragraph"));
        let long = step_command(&probe::STEPS[1], "probe").unwrap().render_long_help().to_string();
        assert!(long.contains("A second paragraph") && !long.contains("```"), "{long}");
    }
}
