//! A step as the rest of the house sees it: without its types.

use schemars::generate::SchemaSettings;
use serde_json::{Map, Value};

use super::{
    Crew, Grain, Group, Grouping, Input, Listing, Manifest, Out, Params, Sink, Source, Step,
};
use crate::error::{Error, Result};
use crate::manifest::{Column, Field, Kind, Schema};

/// A unit of any grain, on its way from the engine to a step.
pub enum AnyInput {
    /// One image.
    Source(Source),
    /// A list of files.
    Listing(Listing),
    /// The images of a group.
    Group(Group),
    /// All rows of a manifest.
    Manifest(Manifest),
}

/// A step with its params, ready to run.
pub trait AnyStep: Send + Sync {
    /// The step's entry.
    fn entry(&self) -> &'static Entry;
    /// All params, defaults filled in: what is keyed.
    fn params(&self) -> &Value;
    /// [`Step::reads`].
    fn reads(&self) -> &'static [Column];
    /// [`Step::COMPANIONS`].
    fn companions(&self) -> &'static [Column];
    /// [`Step::needs`].
    fn needs(&self) -> &'static [Column];
    /// [`Step::columns`].
    ///
    /// # Errors
    /// As [`Step::columns`].
    fn columns(&self, schema: &Schema) -> Result<Vec<String>>;
    /// [`Step::grouping`].
    fn grouping(&self) -> Grouping;
    /// [`Step::joins`].
    fn joins(&self) -> bool;
    /// [`Step::after`].
    ///
    /// # Errors
    /// As [`Step::after`].
    fn after(&self, earlier: &[(&str, &Value)]) -> Result<()>;
    /// Does the work on one unit.
    ///
    /// # Errors
    /// As [`Step::run`].
    fn run(&self, input: AnyInput, sink: &mut dyn Sink, crew: &Crew) -> Result<()>;
}

/// A fact as the output schema has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FactDoc {
    /// The column (`<step>.<field>`, or the field alone where its name has a dot) and its type.
    pub field: Field,
    /// The field's own name.
    pub short: String,
    /// Whether it may be null.
    pub nullable: bool,
    /// The doc comment.
    pub doc: String,
}

/// One line of the list of steps: everything that is made from the declaration starts here.
pub struct Entry {
    /// [`Step::NAME`].
    pub name: &'static str,
    /// [`Step::VERSION`].
    pub version: &'static str,
    /// The input's grain.
    pub grain: Grain,
    /// [`Step::READS`].
    pub reads: &'static [Column],
    /// [`Step::ALIGNED`].
    pub aligned: bool,
    /// JSON Schema (2020-12) of the params, title and description included.
    pub params_schema: fn() -> Value,
    /// The default params.
    pub default_params: fn() -> Value,
    facts_schema: fn() -> Value,
    make: fn(&'static Entry, Value) -> Result<Box<dyn AnyStep>>,
    inline: Inline,
}

/// [`Step::inline`].
type Inline = fn(&str, &[(String, Vec<u8>)], &Map<String, Value>) -> Result<Value>;

impl Entry {
    /// The entry of a step.
    pub const fn of<S: Step>() -> Self {
        Self {
            name: S::NAME,
            version: S::VERSION,
            grain: S::Input::GRAIN,
            reads: S::READS,
            aligned: S::ALIGNED,
            params_schema: schema_of::<S::Params>,
            default_params: default_of::<S::Params>,
            facts_schema: schema_of::<S::Facts>,
            make: make::<S>,
            inline: S::inline,
        }
    }

    /// Makes the step from the params that the user gave; the rest are defaults.
    ///
    /// # Errors
    /// [`Error::Params`] naming the field, what was given and what is allowed.
    pub fn make(&'static self, params: Value) -> Result<Box<dyn AnyStep>> {
        (self.make)(self, params)
    }

    /// As [`Step::inline`].
    ///
    /// # Errors
    /// As [`Step::inline`].
    pub fn inline(
        &self,
        param: &str,
        files: &[(String, Vec<u8>)],
        given: &Map<String, Value>,
    ) -> Result<Value> {
        (self.inline)(param, files, given)
    }

    /// The columns that the step adds, sorted by name (so that no map's order decides).
    pub fn facts(&self) -> Vec<FactDoc> {
        let schema = (self.facts_schema)();
        let Some(properties) = schema["properties"].as_object() else { return Vec::new() };
        let mut facts: Vec<FactDoc> = properties
            .iter()
            .map(|(short, property)| FactDoc {
                field: Field { name: self.column(short), kind: kind_of(property) },
                short: short.clone(),
                nullable: admits_null(property),
                doc: property["description"].as_str().unwrap_or_default().to_string(),
            })
            .collect();
        facts.sort_by(|a, b| a.short.cmp(&b.short));
        facts
    }

    /// The column of a fact. A name with a dot is the column's whole name: facts that say what a
    /// file is (`slide.mpp_x`) are named after that, not after the step that read them.
    fn column(&self, short: &str) -> String {
        if short.contains('.') { short.into() } else { format!("{}.{short}", self.name) }
    }

    /// The columns that the step adds, as a manifest has them.
    pub fn fields(&self) -> Vec<Field> {
        self.facts().into_iter().map(|f| f.field).collect()
    }
}

fn types(property: &Value) -> Vec<&str> {
    match &property["type"] {
        Value::String(one) => vec![one.as_str()],
        Value::Array(many) => many.iter().filter_map(Value::as_str).collect(),
        // An enum is `oneOf`/`enum`/`$ref` without a type of its own: text.
        _ => vec!["string"],
    }
}

fn kind_of(property: &Value) -> Kind {
    match types(property).iter().find(|t| **t != "null") {
        Some(&"integer") => Kind::Int,
        Some(&"number") => Kind::Float,
        Some(&"boolean") => Kind::Bool,
        _ => Kind::Text,
    }
}

fn admits_null(property: &Value) -> bool {
    let null = |v: &Value| v["type"] == "null";
    types(property).contains(&"null")
        || property["anyOf"].as_array().is_some_and(|a| a.iter().any(null))
}

fn schema_of<T: schemars::JsonSchema>() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|s| s.inline_subschemas = true);
    settings.into_generator().into_root_schema_for::<T>().to_value()
}

fn default_of<P: Params>() -> Value {
    serde_json::to_value(P::default()).unwrap_or(Value::Null)
}

struct Ready<S: Step> {
    entry: &'static Entry,
    params: Value,
    step: S,
}

fn make<S: Step>(entry: &'static Entry, params: Value) -> Result<Box<dyn AnyStep>> {
    let params: S::Params = params_from(params)?;
    let value =
        serde_json::to_value(&params).map_err(|e| Error::params("params", e.to_string()))?;
    // What JSON cannot carry exactly is refused here, before any work.
    crate::digest::canonical_json(&value)?;
    Ok(Box::new(Ready { entry, params: value, step: S::new(params)? }))
}

impl<S: Step> AnyStep for Ready<S> {
    fn entry(&self) -> &'static Entry {
        self.entry
    }

    fn params(&self) -> &Value {
        &self.params
    }

    fn reads(&self) -> &'static [Column] {
        self.step.reads()
    }

    fn companions(&self) -> &'static [Column] {
        S::COMPANIONS
    }

    fn needs(&self) -> &'static [Column] {
        self.step.needs()
    }

    fn grouping(&self) -> Grouping {
        self.step.grouping()
    }

    fn columns(&self, schema: &Schema) -> Result<Vec<String>> {
        self.step.columns(schema)
    }

    fn joins(&self) -> bool {
        self.step.joins()
    }

    fn after(&self, earlier: &[(&str, &Value)]) -> Result<()> {
        self.step.after(earlier)
    }

    fn run(&self, input: AnyInput, sink: &mut dyn Sink, crew: &Crew) -> Result<()> {
        self.step.run(S::Input::from_any(input)?, &mut Out::new(sink, crew))
    }
}

/// Typed, defaulted, checked params from what a user gave: a JSON object, or null for none.
///
/// Whole floats are taken for integers where an integer is asked for: YAML, KFP and spreadsheets
/// write `512.0`.
///
/// # Errors
/// [`Error::Params`] for an unknown field, a wrong type, a value out of its range.
pub fn params_from<P: Params>(given: Value) -> Result<P> {
    let schema = schema_of::<P>();
    let no_properties = Map::new();
    let properties = schema["properties"].as_object().unwrap_or(&no_properties);
    let mut given = match given {
        Value::Null => Map::new(),
        Value::Object(map) => map,
        other => {
            return Err(Error::params("params", format!("{other} is not an object of params")));
        }
    };
    for (name, value) in &mut given {
        let Some(property) = properties.get(name) else {
            let known: Vec<_> = properties.keys().map(String::as_str).collect();
            return Err(Error::params(
                name,
                format!("no such param; there are: {}", known.join(", ")),
            ));
        };
        if kind_of(property) == Kind::Int
            && let Some(float) = value.as_f64().filter(|_| value.is_f64())
            && float.fract() == 0.0
            && float.abs() < 9_007_199_254_740_992.0
        {
            *value = (float as i64).into();
        }
        // One field at a time, so that the message can name it.
        let alone = Value::Object(Map::from_iter([(name.clone(), value.clone())]));
        if let Err(e) = serde_json::from_value::<P>(alone) {
            let found = value.to_string().chars().take(200).collect::<String>();
            return Err(Error::params(
                name,
                format!("{found} will not do: {e}{}", allowed(property)),
            ));
        }
    }
    let params: P = serde_json::from_value(Value::Object(given))
        .map_err(|e| Error::params("params", e.to_string()))?;
    if let Err(report) = params.validate() {
        let (path, error) = match report.iter().next() {
            Some((path, error)) => (path.to_string(), error.to_string()),
            None => ("params".to_string(), report.to_string()),
        };
        let property = properties.get(path.split(['.', '[']).next().unwrap_or_default());
        let value = serde_json::to_value(&params).unwrap_or_default()[&path].to_string();
        let range = property.map(allowed).unwrap_or_default();
        return Err(Error::params(path, format!("{value} will not do: {error}{range}")));
    }
    Ok(params)
}

fn allowed(property: &Value) -> String {
    let mut parts = Vec::new();
    let bound = |name: &str| property.get(name).map(|v| v.to_string());
    match (bound("minimum"), bound("maximum")) {
        (Some(min), Some(max)) => parts.push(format!("{min} to {max}")),
        (Some(min), None) => parts.push(format!("at least {min}")),
        (None, Some(max)) => parts.push(format!("at most {max}")),
        (None, None) => {}
    }
    if let Some(values) = property["enum"].as_array() {
        let words: Vec<_> = values.iter().filter_map(Value::as_str).collect();
        parts.push(format!("one of {}", words.join(", ")));
    }
    if parts.is_empty() { String::new() } else { format!(" (allowed: {})", parts.join("; ")) }
}
