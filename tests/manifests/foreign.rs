//! Manifests that pandas, pyarrow and DuckDB wrote: every value, or an error that names the column.

use std::fs::File;
use std::path::Path;
use std::process::Command;

use microtome::manifest::{BASE, ManifestReader, read_list};
use serde_json::Value;
use tempfile::tempdir;

use crate::common::{python_or_skip, root};

fn read(path: &Path) -> microtome::Result<Value> {
    let file = path.to_path_buf();
    let reader = ManifestReader::new(move || Ok(Box::new(File::open(&file).unwrap())))?;
    let schema = reader.schema().clone();
    let names: Vec<String> = BASE
        .iter()
        .map(|c| c.name.to_string())
        .chain(schema.facts.iter().map(|f| f.name.clone()))
        .collect();
    let rows = reader.read_all()?;
    let row = |item: &microtome::manifest::Item| -> Value {
        let value = |name: &String| (name.clone(), item.value(&schema, name));
        Value::Object(names.iter().map(value).collect())
    };
    Ok(rows.iter().map(row).collect())
}

#[test]
fn every_value_of_others_manifests_or_an_error_that_names_the_column() {
    let test = "every_value_of_others_manifests_or_an_error_that_names_the_column";
    let Some(python) = python_or_skip(test, &["pandas", "pyarrow", "duckdb"]) else { return };
    let folder = tempdir().unwrap();
    let made = Command::new(python)
        .arg(root().join("tests/manifests/foreign.py"))
        .arg(folder.path())
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let cases: Value = serde_json::from_slice(&made.stdout).unwrap();
    let cases = cases.as_object().unwrap();
    assert!(cases.len() > 25, "{} cases", cases.len());
    for (name, case) in cases {
        let path = folder.path().join(name);
        if let Some(list) = case.get("list") {
            let rows = read_list(name, &std::fs::read(&path).unwrap());
            let rows = rows.unwrap_or_else(|e| panic!("{name}: {e}"));
            assert_eq!(serde_json::to_value(rows).unwrap(), *list, "{name}");
            continue;
        }
        match (read(&path), case.get("rows"), case["error"].as_str()) {
            (Ok(found), Some(rows), _) => {
                let (found, rows) = (found.as_array().unwrap(), rows.as_array().unwrap());
                assert_eq!(found.len(), rows.len(), "{name}");
                for (row, (found, expected)) in found.iter().zip(rows).enumerate() {
                    for (column, value) in expected.as_object().unwrap() {
                        assert_eq!(&found[column], value, "{name}: `{column}` of row {row}");
                    }
                }
            }
            (Err(error), None, Some(told)) => {
                assert!(error.to_string().contains(told), "{name}: {error}");
            }
            (Ok(_), ..) => panic!("{name}: was read"),
            (Err(error), ..) => panic!("{name}: {error}"),
        }
    }
}
