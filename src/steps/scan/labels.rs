//! Where labels and groups come from.

use std::collections::BTreeMap;

use regex::{Regex, RegexBuilder};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Params;
use crate::error::{Error, Result};

/// Most bytes that a compiled pattern may take: a pattern is a user's, but it may come from a
/// pipeline file that somebody else wrote.
const PATTERN_BYTES: usize = 1 << 20;

/// One row of the file of labels. Other columns are not looked at, and do not meet the key.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, Default, PartialEq)]
pub struct LabelRow {
    /// Id of the item.
    pub id: String,
    /// Its class.
    #[serde(default)]
    pub label: Option<String>,
    /// What it must stay together with.
    #[serde(default)]
    pub group: Option<String>,
}

/// The sources of labels and groups, ready to be asked.
pub(super) struct Labels {
    table: BTreeMap<String, LabelRow>,
    pattern: Option<Regex>,
    label_folder: Option<u32>,
    group_folder: Option<u32>,
}

/// Label and group of an item.
pub(super) type Named = (Option<String>, Option<String>);

impl Labels {
    pub(super) fn new(params: &Params) -> Result<Self> {
        let mut table = BTreeMap::new();
        for row in &params.labels {
            if let Some(earlier) = table.insert(row.id.clone(), row.clone()) {
                return Err(Error::params(
                    "labels",
                    format!("the id `{}` stands there twice", earlier.id),
                ));
            }
        }
        if !table.is_empty() && table.values().all(|r| r.label.is_none() && r.group.is_none()) {
            return Err(Error::params(
                "labels",
                "no row has a `label` or a `group`: these are the columns that are read",
            ));
        }
        Ok(Self {
            table,
            pattern: params.pattern.as_deref().map(compile).transpose()?,
            label_folder: params.label_folder,
            group_folder: params.group_folder,
        })
    }

    /// Ids of the file of labels, in their order.
    pub(super) fn ids(&self) -> impl Iterator<Item = &str> {
        self.table.keys().map(String::as_str)
    }

    /// Label and group of an item: each from the first source that has one.
    pub(super) fn of(&self, id: &str, given: &BTreeMap<String, String>) -> Named {
        let row = self.table.get(id);
        let captures = self.pattern.as_ref().and_then(|p| p.captures(id));
        let find = |name: &str, listed: Option<&String>, level: Option<u32>| {
            let matched = || captures.as_ref().and_then(|c| c.name(name)).map(|m| m.as_str());
            listed
                .map(String::as_str)
                .filter(|s| !s.is_empty())
                .or_else(|| given.get(name).map(String::as_str).filter(|s| !s.is_empty()))
                .or_else(|| matched().filter(|s| !s.is_empty()))
                .or_else(|| level.and_then(|n| folder(id, n)))
                .map(str::to_owned)
        };
        (
            find("label", row.and_then(|r| r.label.as_ref()), self.label_folder),
            find("group", row.and_then(|r| r.group.as_ref()), self.group_folder),
        )
    }
}

fn compile(pattern: &str) -> Result<Regex> {
    let wrong = |message: String| Error::params("pattern", message);
    let regex = RegexBuilder::new(pattern)
        .size_limit(PATTERN_BYTES)
        .build()
        .map_err(|e| wrong(format!("`{pattern}` is no regular expression: {e}")))?;
    let names: Vec<_> = regex.capture_names().flatten().collect();
    if let Some(other) = names.iter().find(|n| !["label", "group"].contains(n)) {
        return Err(wrong(format!(
            "it has a group named `{other}`; names are `label` and `group` (write `(?:…)` where no name is meant)"
        )));
    }
    if names.is_empty() {
        return Err(wrong("it has neither a group `(?<label>…)` nor `(?<group>…)`".into()));
    }
    Ok(regex)
}

/// The `n`th folder above a file, 1 the one that holds it.
fn folder(id: &str, n: u32) -> Option<&str> {
    let n = usize::try_from(n).ok()?;
    id.rsplit('/').filter(|part| !part.is_empty()).nth(n)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn row(id: &str, label: &str, group: &str) -> LabelRow {
        let some = |s: &str| (!s.is_empty()).then(|| s.to_string());
        LabelRow { id: id.into(), label: some(label), group: some(group) }
    }

    fn named(params: Params, id: &str, given: &[(&str, &str)]) -> (String, String) {
        let given = given.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect();
        let (label, group) = Labels::new(&params).unwrap().of(id, &given);
        (label.unwrap_or("-".into()), group.unwrap_or("-".into()))
    }

    fn refused(params: Params) -> String {
        Labels::new(&params).err().unwrap().to_string()
    }

    #[test]
    fn folders_are_counted_from_the_file_upward() {
        let params = Params { label_folder: Some(1), group_folder: Some(2), ..Params::default() };
        let named = |id| named(params.clone(), id, &[]);
        assert_eq!(named("StationA/PBE/a.jpg"), ("PBE".into(), "StationA".into()));
        assert_eq!(named("x/StationA//PBE/a.jpg"), ("PBE".into(), "StationA".into()));
        assert_eq!(named("PBE/a.jpg"), ("PBE".into(), "-".into()));
        assert_eq!(named("a.jpg"), ("-".into(), "-".into()));
    }

    #[test]
    fn a_pattern_names_by_its_groups() {
        let pattern = r"^(?<group>TCGA-\w\w-\w{4})-(?:\w+)-(?<label>\w+)?\.svs$";
        let params = Params { pattern: Some(pattern.into()), ..Params::default() };
        let named = |id| named(params.clone(), id, &[]);
        assert_eq!(named("TCGA-CR-7395-01A-tumor.svs"), ("tumor".into(), "TCGA-CR-7395".into()));
        assert_eq!(named("TCGA-CR-7395-01A-.svs"), ("-".into(), "TCGA-CR-7395".into()));
        assert_eq!(named("slide.svs"), ("-".into(), "-".into()));
    }

    #[test]
    fn wrong_sources_are_refused_by_name() {
        let pattern = |p: &str| refused(Params { pattern: Some(p.into()), ..Params::default() });
        assert!(pattern("(").starts_with("pattern: `(` is no regular expression"));
        assert!(pattern(r"(\w+)").contains("neither"));
        assert!(pattern(r"(?<lable>\w+)").contains("`lable`"));
        assert!(pattern(r"(?<label>(\w{999}){999})").contains("pattern"));
        let labels = |rows: Vec<LabelRow>| refused(Params { labels: rows, ..Params::default() });
        let twice = labels(vec![row("a", "x", ""), row("b", "x", ""), row("a", "y", "")]);
        assert_eq!(twice, "labels: the id `a` stands there twice");
        assert!(labels(vec![row("a", "", "")]).contains("no row has"));
    }

    proptest! {
        /// Whatever sources are there, the first in the order table, list, pattern, folder wins, for
        /// label and group apart.
        #[test]
        fn the_first_source_that_has_it_wins(
            table in proptest::option::of((any::<bool>(), any::<bool>())),
            listed in (any::<bool>(), any::<bool>()),
            pattern in (any::<bool>(), any::<bool>()),
            folders in (any::<bool>(), any::<bool>()),
        ) {
            let on = |there: bool, text: &str| if there { text.to_string() } else { String::new() };
            let mut params = Params::default();
            if let Some((label, group)) = table {
                params.labels.push(row("g_folder/l_folder/l_g.png", &on(label, "l_table"), &on(group, "g_table")));
                params.labels.push(row("other", "x", "y"));
            }
            let text = match pattern {
                (true, true) => Some("(?<label>l)_(?<group>g)"),
                (true, false) => Some("/(?<label>l)_g"),
                (false, true) => Some("/l_(?<group>g)"),
                (false, false) => None,
            };
            params.pattern = text.map(|t| t.replace("(?<label>l)_(?<group>g)", "/(?<label>l)_(?<group>g)"));
            params.label_folder = folders.0.then_some(1);
            params.group_folder = folders.1.then_some(2);
            let given = [("label", on(listed.0, "l_list")), ("group", on(listed.1, "g_list"))];
            let given: Vec<_> = given.iter().map(|(k, v)| (*k, v.as_str())).collect();
            let first = |name: &str, table: bool, listed: bool, pattern: bool, folder: bool| {
                if table { format!("{name}_table") }
                else if listed { format!("{name}_list") }
                else if pattern { name.to_string() }
                else if folder { format!("{name}_folder") }
                else { "-".to_string() }
            };
            let (in_table_l, in_table_g) = table.unwrap_or((false, false));
            let expected = (
                first("l", in_table_l, listed.0, pattern.0, folders.0),
                first("g", in_table_g, listed.1, pattern.1, folders.1),
            );
            prop_assert_eq!(named(params, "g_folder/l_folder/l_g.png", &given), expected);
        }
    }
}
