//! The Python package `microtome_components`: a component as a callable with typed arguments.

use std::fmt::Write;

use serde_json::Value;

use super::interface::{Component, Input, Kind};
use super::{Generated, Param, Shape, first_paragraph, kfp, params, reflow};
use crate::error::Result;
use crate::step::Entry;

/// Where the package lies.
const FOLDER: &str = "components/python/microtome_components";
const MADE: &str =
    "# Made from the declaration of the step: BLESS=1 cargo test --release --test generated\n";
/// Columns of a line of words.
const WIDTH: usize = 100;

/// The files of the package that are made from the steps: a module and a component file each, and the list of them.
///
/// # Errors
/// [`crate::Error::Bug`] when a step cannot be described.
pub fn package(steps: &'static [Entry]) -> Result<Vec<Generated>> {
    let mut files = Vec::new();
    let mut all = Vec::new();
    for entry in steps {
        all.push((Component::of(entry)?, params(entry)?));
    }
    all.push((Component::merge(), Vec::new()));
    for (component, params) in &all {
        let mut add =
            |name: String, text| files.push(Generated { path: format!("{FOLDER}/{name}"), text });
        add(format!("_{}.py", module(&component.name)), step_module(component, params));
        // The package is used without the repository, so it has the component files of its own.
        add(format!("{}.yaml", component.name), kfp::component_yaml(component)?);
    }
    let components: Vec<&Component> = all.iter().map(|(component, _)| component).collect();
    files.push(Generated { path: format!("{FOLDER}/__init__.py"), text: list(&components) });
    Ok(files)
}

/// Words that no argument can be called.
const KEYWORDS: &[&str] = &[
    "False", "None", "True", "and", "as", "assert", "async", "await", "break", "class", "continue",
    "def", "del", "elif", "else", "except", "finally", "for", "from", "global", "if", "import",
    "in", "is", "lambda", "nonlocal", "not", "or", "pass", "raise", "return", "self", "try",
    "while", "with", "yield",
];

/// The name of an argument: `lambda_` for `lambda`, as is the custom in Python.
pub fn argument(name: &str) -> String {
    if KEYWORDS.contains(&name) { format!("{name}_") } else { name.into() }
}

/// The name in Python: `fit_stain`.
fn module(name: &str) -> String {
    name.replace('-', "_")
}

/// The name of the class: `FitStain`.
fn class(name: &str) -> String {
    let capital = |word: &str| {
        let mut letters = word.chars();
        letters
            .next()
            .map(|c| c.to_ascii_uppercase().to_string() + letters.as_str())
            .unwrap_or_default()
    };
    name.split('-').map(capital).collect()
}

fn list(components: &[&Component]) -> String {
    let mut text = format!(
        "{MADE}\"\"\"microtome's steps as components of Kubeflow Pipelines: `tile(...)` in a pipeline makes a task.\n\n\
         Arguments are keywords, with the types and defaults that the steps declare; `help(tile)` says what each of them is. Images are\n\
         those of the machine that built them until `tile.with_image(...)` or `pin(index)` names those of a release.\n\n\
         Kubeflow Pipelines (`kfp`) itself is needed when a task is made, not before.\n\"\"\"\n\n"
    );
    let mut lines: Vec<String> = components
        .iter()
        .map(|c| format!("from ._{0} import {0}\n", module(&c.name)))
        .chain([
            "from ._component import Component\n".into(),
            "from ._pin import Pinned, pin\n".into(),
        ])
        .collect();
    lines.sort();
    text.extend(lines);
    let _ = write!(text, "\n__version__ = \"{}\"\n\n", env!("CARGO_PKG_VERSION"));
    text.push_str(
        "#: Every component by its name, in the order in which data meets them.\nCOMPONENTS = {\n",
    );
    for component in components {
        let _ = writeln!(text, "    \"{}\": {},", component.name, module(&component.name));
    }
    text.push_str("}\n\n__all__ = [\n    \"COMPONENTS\",\n    \"Component\",\n    \"Pinned\",\n    \"pin\",\n");
    for component in components {
        let _ = writeln!(text, "    \"{}\",", module(&component.name));
    }
    text.push_str("]\n");
    text
}

fn step_module(component: &Component, params: &[Param]) -> String {
    let Component { name, version, image, .. } = component;
    let (module, class) = (module(name), class(name));
    let (artifact, _, words) = component.artifact;
    let mut text = format!(
        "{MADE}\"\"\"The component `{name}`, version {version}.\"\"\"\n\n\
         from __future__ import annotations\n\nimport typing as t\n\n\
         from ._component import Channel, Component\n\n\
         if t.TYPE_CHECKING:\n    from kfp.dsl import PipelineTask\n\n\n\
         class {class}(Component):\n    \"\"\"{}\n    \"\"\"\n\n    def __call__(\n        self,\n        *,\n",
        words_of(&component.doc, 4).trim_start()
    );
    let _ = writeln!(text, "        {artifact}: t.Optional[Channel] = None,");
    for input in &component.inputs {
        let param = params.iter().find(|param| input.is_param && param.name == input.name);
        let _ = writeln!(
            text,
            "        {}: {} = {},",
            argument(&input.name),
            annotation(input, param),
            literal(input.default.as_ref())
        );
    }
    let does = format!("Makes a task of `{name}` {version}. {}", first_paragraph(&component.doc));
    let _ = write!(
        text,
        "    ) -> PipelineTask:\n        \"\"\"{}\n\n        Args:\n",
        words_of(&does, 8).trim_start()
    );
    let mut about_one = |name: &str, words: &str| {
        let words = words_of(&format!("{}: {words}", argument(name)), 12);
        // Later lines stand further in, as Google's style has it.
        text.push_str(&words.replace("\n            ", "\n                "));
        text.push('\n');
    };
    about_one(artifact, words);
    for input in &component.inputs {
        let param = params.iter().find(|param| input.is_param && param.name == input.name);
        about_one(&input.name, &about(input, param));
    }
    text.push_str("        \"\"\"\n        return self._task(locals())\n\n\n");
    let _ = writeln!(text, "{module} = {class}(\"{name}\", \"{version}\", \"{image}\")");
    text
}

/// What an input is, and which values it may have.
fn about(input: &Input, param: Option<&Param>) -> String {
    let mut words = first_paragraph(&input.doc);
    if let Some(range) = param.and_then(Param::range) {
        let _ = write!(words, " ({range})");
    }
    if matches!(param.map(|param| &param.shape), Some(Shape::File(_))) {
        words.push_str(" (A path or URL that the step can read, or the content as JSON.)");
    }
    words
}

/// The type as Python checks it. A value may always come from another task.
fn annotation(input: &Input, param: Option<&Param>) -> String {
    let plain = match param.map(|param| &param.shape) {
        Some(Shape::Choice(_)) | None | Some(Shape::File(_)) => None,
        Some(Shape::List(of)) => Some(format!("t.Sequence[{}]", scalar(of))),
        Some(shape) => Some(scalar(shape)),
    };
    let kind = plain.unwrap_or_else(|| match (param.map(|param| &param.shape), input.kind) {
        (Some(shape @ Shape::Choice(_)), _) => scalar(shape),
        (_, Kind::List) => "t.Sequence[str]".into(),
        (_, kind) => kind.python_name().into(),
    });
    let none = if input.default.is_none() { ", None" } else { "" };
    format!("t.Union[{kind}, Channel{none}]")
}

fn scalar(shape: &Shape) -> String {
    match shape {
        Shape::Bool => "bool".into(),
        Shape::Int => "int".into(),
        Shape::Float => "float".into(),
        Shape::Choice(choices) => {
            let words: Vec<_> =
                choices.iter().map(|c| Value::from(c.value.clone()).to_string()).collect();
            format!("t.Literal[{}]", words.join(", "))
        }
        Shape::Text | Shape::List(_) | Shape::File(_) => "str".into(),
    }
}

/// A default as Python writes it. A list is a tuple, which nobody can change for the next caller.
fn literal(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => "None".into(),
        Some(Value::Bool(true)) => "True".into(),
        Some(Value::Bool(false)) => "False".into(),
        Some(Value::Array(items)) => {
            let items: String =
                items.iter().map(|item| format!("{}, ", literal(Some(item)))).collect();
            match items.as_str() {
                "" => "()".into(),
                _ if items.matches(", ").count() == 1 => {
                    format!("({},)", items.trim_end_matches(", "))
                }
                _ => format!("({})", items.trim_end_matches(", ")),
            }
        }
        // A JSON string is a Python string, and so is a number.
        Some(other) => other.to_string(),
    }
}

/// A doc comment within a docstring: indented, its paragraphs broken into lines, code as it is.
fn words_of(doc: &str, indent: usize) -> String {
    let safe = doc.replace('\\', "\\\\").replace("\"\"\"", "\\\"\\\"\\\"");
    let margin = " ".repeat(indent);
    let mut lines = Vec::new();
    let mut code = false;
    for line in reflow(&safe).lines() {
        code ^= line.starts_with("```");
        if code || line.starts_with(['|', ' ', '`']) {
            lines.push(format!("{margin}{line}"));
            continue;
        }
        let mut rest = String::new();
        for word in line.split(' ') {
            if !rest.is_empty() && indent + rest.chars().count() + 1 + word.chars().count() > WIDTH
            {
                lines.push(format!("{margin}{rest}"));
                rest.clear();
            }
            if !rest.is_empty() {
                rest.push(' ');
            }
            rest.push_str(word);
        }
        lines.push(format!("{margin}{rest}").trim_end().to_string());
    }
    let text = lines.join("\n");
    // A quote at the end would close the docstring one too early.
    if text.ends_with('"') { format!("{text} ") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::describe::probe::STEPS;
    use serde_json::json;

    #[test]
    fn defaults_are_written_as_python_has_them() {
        let written = |value: Value| literal(Some(&value));
        assert_eq!(literal(None), "None");
        assert_eq!((written(json!(true)), written(json!(0.5))), ("True".into(), "0.5".into()));
        assert_eq!(written(json!("a \"b\"")), r#""a \"b\"""#);
        assert_eq!(written(json!([])), "()");
        assert_eq!(written(json!(["a"])), "(\"a\",)");
        assert_eq!(written(json!(["a, b", 1])), "(\"a, b\", 1)");
    }

    #[test]
    fn a_module_has_types_defaults_and_words() {
        let files = package(&STEPS).unwrap();
        let file = |name: &str| &files.iter().find(|f| f.path.ends_with(name)).unwrap().text;
        let probe = file("/_probe.py");
        for line in [
            "class Probe(Component):\n    \"\"\"Cuts an image into probes of one size.",
            "        size_px: t.Union[int, Channel] = 512,",
            "        mpp: t.Union[float, Channel, None] = None,",
            "        edge: t.Union[t.Literal[\"skip-it\", \"pad\"], Channel] = \"skip-it\",",
            "        include: t.Union[t.Sequence[str], Channel] = (),",
            "        loud: t.Union[bool, Channel] = False,",
            "            size_px: Edge of a probe in pixels. (1 to 4096)",
            "probe = Probe(\"probe\", \"1.2.3\", \"localhost/microtome-probe:1.2.3\")",
        ] {
            assert!(probe.contains(line), "{line}\n{probe}");
        }
        assert_eq!((argument("lambda"), argument("alpha")), ("lambda_".into(), "alpha".into()));
        assert!(file("/__init__.py").contains("from ._list_it import list_it\n"));
        assert!(file("/_list_it.py").contains("class ListIt(Component):"));
        assert!(file("/merge.yaml").contains("# Name: merge"));
    }

    #[test]
    fn words_stay_within_their_docstring() {
        let nasty = "Says \"\"\" and \\ and ends with \"";
        let text = words_of(nasty, 4);
        assert!(
            !text.contains("\"\"\"") && text.contains("\\\\") && text.ends_with("\" "),
            "{text}"
        );
        let long = words_of(&"word ".repeat(60), 8);
        assert!(long.lines().all(|line| line.len() <= WIDTH && line.starts_with("        word")));
    }
}
