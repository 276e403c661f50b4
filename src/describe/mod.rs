//! What is made from the declaration of a step: schemas, component packages, the README's table.
//!
//! [`generated`] gives every generated file with its text; a test compares them with what is
//! committed. [`params`] reads a params schema into the few shapes that a flag, a table row or a
//! ledger line can have, so that the CLI, the pipeline file and the README agree on them.

mod component;
mod index;
pub mod interface;
pub mod kfp;
mod nearest;
mod param;
#[cfg(test)]
pub(crate) mod probe;
mod python;
mod schema;
mod table;

pub use index::{DEPRECATED, differs, index, index_schema, index_text};
pub use nearest::nearest;
pub use param::{Choice, FileFormat, Param, Shape, first_paragraph, params, reflow};
pub use python::argument as python_argument;
pub use table::{BEGIN, END, readme};

use serde_json::Value;

use crate::error::Result;
use crate::step::Entry;
use interface::Component;

/// A generated file: its path below the root of the repository, and its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Generated {
    /// With `/`, relative to the repository.
    pub path: String,
    /// The whole text.
    pub text: String,
}

/// Every file that is made from the steps' declarations, apart from the README's table (whose file
/// is written by hand around it: see [`readme`]) and the index, which needs the ledgers too ([`index()`]).
///
/// # Errors
/// [`crate::Error::Bug`] when a param has a shape that no flag can have.
pub fn generated(steps: &'static [Entry]) -> Result<Vec<Generated>> {
    let mut files = Vec::new();
    for entry in steps {
        let mut add = |path: String, text: String| files.push(Generated { path, text });
        let name = entry.name;
        add(format!("components/{name}/Cargo.toml"), component::cargo_toml(entry));
        add(format!("components/{name}/src/main.rs"), component::main_rs(entry));
        add(format!("schemas/{name}/params.json"), pretty(&schema::params(entry)));
        add(format!("schemas/{name}/input.json"), pretty(&schema::input(entry)));
        add(format!("schemas/{name}/output.json"), pretty(&schema::output(entry)));
        // The shapes are checked here, so that a schema is never committed without its flags.
        let component = Component::of(entry)?;
        add(format!("components/{name}/component.yaml"), kfp::component_yaml(&component)?);
    }
    let merge = Component::merge();
    let path = format!("components/{}/component.yaml", merge.name);
    files.push(Generated { path, text: kfp::component_yaml(&merge)? });
    files.extend(python::package(steps)?);
    files.push(Generated { path: "schemas/index.json".into(), text: pretty(&index_schema()) });
    Ok(files)
}

/// JSON Schema of a step's params, as `schemas/<step>/params.json` has it.
pub fn params_schema(entry: &Entry) -> Value {
    schema::params(entry)
}

/// JSON Schema of a row of the manifest that a step reads.
pub fn input_schema(entry: &Entry) -> Value {
    schema::input(entry)
}

/// JSON Schema of a row of the manifest that a step gives.
pub fn output_schema(entry: &Entry) -> Value {
    schema::output(entry)
}

/// What a step does, as its author wrote it on the params struct.
pub fn doc(entry: &Entry) -> String {
    (entry.params_schema)()["description"].as_str().unwrap_or_default().to_string()
}

fn pretty(value: &Value) -> String {
    format!("{value:#}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn probe() -> &'static Entry {
        &probe::STEPS[1]
    }

    #[test]
    fn params_carry_default_range_and_words() {
        let all = params(probe()).unwrap();
        let named = |name: &str| all.iter().find(|p| p.name == name).unwrap();
        let size = named("size_px");
        assert_eq!(size.flag(), "--size-px");
        assert_eq!(size.range().unwrap(), "1 to 4096");
        assert_eq!(size.default_text().unwrap(), "512");
        assert_eq!(first_paragraph(&size.doc), "Edge of a probe in pixels.");
        let mpp = named("mpp");
        assert!(mpp.nullable && mpp.default_text().is_none());
        assert_eq!((&mpp.shape, mpp.range()), (&Shape::Float, Some("0.01 to 100".into())));
        assert_eq!(named("edge").shape.name(), "skip-it, pad");
        assert_eq!(named("edge").default_text().unwrap(), "skip-it");
        assert_eq!(named("classes").shape, Shape::File(FileFormat::Csv));
        assert_eq!(named("include").shape, Shape::List(Box::new(Shape::Text)));
        assert_eq!(named("loud").shape, Shape::Bool);
    }

    #[test]
    fn schemas_name_every_column_that_is_read_and_added() {
        let params = params_schema(probe());
        assert_eq!(params["$id"], "urn:microtome:probe:1.2.3:params");
        assert_eq!(params["properties"]["size_px"]["maximum"], 4096);
        assert_eq!(params["properties"]["size_px"]["default"], 512);
        assert_eq!(params["additionalProperties"], false);
        let input = input_schema(probe());
        assert_eq!(input["properties"]["slide.mpp_x"]["x-made-by"], "list-it");
        let required = input["required"].as_array().unwrap();
        assert!(required.contains(&"digest".into()) && required.contains(&"slide.mpp_x".into()));
        let output = output_schema(probe());
        let fact = &output["properties"]["probe.mpp"];
        assert_eq!(fact["type"], serde_json::json!(["number", "null"]));
        assert_eq!(fact["description"], "Resolution, where known.");
        assert_eq!(output["properties"]["probe.x_px"]["type"], "integer");
        assert_eq!(output["properties"]["probe.source_id"]["type"], "string");
        assert!(output_schema(&probe::STEPS[0])["properties"].get("list-it.source_id").is_none());
    }

    #[test]
    fn the_readme_gets_its_table_between_the_markers() {
        let text = format!("# microtome\n{BEGIN}\nold\n{END}\nrest\n");
        let made = readme(&text, &probe::STEPS).unwrap();
        assert!(
            made.contains("| `probe` | 1.2.3 | image | Cuts an image into probes of one size. |")
        );
        assert!(
            made.contains(
                "| `--size-px` | integer, 1 to 4096 | `512` | Edge of a probe in pixels. |"
            )
        );
        assert!(made.starts_with("# microtome\n") && made.ends_with("\nrest\n"));
        assert!(!made.contains("\nold\n"));
        assert_eq!(readme(&made, &probe::STEPS).unwrap(), made);
        assert!(readme("no markers", &probe::STEPS).is_err());
    }

    #[test]
    fn every_step_has_its_files() {
        let files = generated(&probe::STEPS).unwrap();
        // Package, schemas, component and Python module; the merge has no package and no schemas; two lists.
        assert_eq!(files.len(), 2 * 8 + 3 + 2);
        let package = files.iter().find(|f| f.path == "components/probe/Cargo.toml").unwrap();
        assert!(package.text.contains("version = \"1.2.3\""));
        assert!(package.text.contains("description = \"Cuts an image into probes of one size.\""));
    }
}
