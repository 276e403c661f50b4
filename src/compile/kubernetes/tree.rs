//! YAML to be read and edited: fields in the order in which a person reads them, with comments between them.

use crate::yaml;

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub enum Tree {
    /// Text on one line, quoted where it must be.
    Text(String),
    /// A whole number.
    Number(i64),
    /// `true` or `false`.
    Bool(bool),
    /// An element a line.
    List(Vec<Tree>),
    /// A list on one line: short ones.
    Row(Vec<Tree>),
    /// A field a line.
    Map(Map),
    /// Text of several lines, as it is.
    Lines(String),
}

/// Fields in their order.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Map(Vec<Field>);

#[derive(Debug, Clone, PartialEq)]
struct Field {
    comment: String,
    name: String,
    value: Tree,
}

impl From<&str> for Tree {
    fn from(text: &str) -> Self {
        Self::Text(text.into())
    }
}

impl From<String> for Tree {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<i64> for Tree {
    fn from(number: i64) -> Self {
        Self::Number(number)
    }
}

impl From<u32> for Tree {
    fn from(number: u32) -> Self {
        Self::Number(number.into())
    }
}

impl From<bool> for Tree {
    fn from(bool: bool) -> Self {
        Self::Bool(bool)
    }
}

impl From<Map> for Tree {
    fn from(map: Map) -> Self {
        Self::Map(map)
    }
}

impl From<Vec<Tree>> for Tree {
    fn from(list: Vec<Tree>) -> Self {
        Self::List(list)
    }
}

impl Map {
    /// No fields yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// With one more field.
    pub fn with(self, name: &str, value: impl Into<Tree>) -> Self {
        self.noted("", name, value)
    }

    /// With one more field, where there is a value for it.
    pub fn with_some(self, name: &str, value: Option<impl Into<Tree>>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    /// With one more field, where there is something in its list.
    pub fn with_any(self, name: &str, list: Vec<Tree>) -> Self {
        if list.is_empty() { self } else { self.with(name, list) }
    }

    /// With one more field and a comment above it; none where it is empty.
    pub fn noted(mut self, comment: &str, name: &str, value: impl Into<Tree>) -> Self {
        let field = Field { comment: comment.into(), name: name.into(), value: value.into() };
        self.0.push(field);
        self
    }

    /// Whether there is a field of this name.
    pub fn has(&self, name: &str) -> bool {
        self.0.iter().any(|field| field.name == name)
    }

    /// Whether there is no field.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The document.
    pub fn document(&self) -> String {
        let mut text = String::new();
        self.write(&mut text, 0, false);
        text
    }

    /// All fields; the first one goes on in a line that has been begun, if there is one.
    fn write(&self, text: &mut String, depth: usize, begun: bool) {
        for (index, field) in self.0.iter().enumerate() {
            let mut begun = begun && index == 0;
            for line in field.comment.lines() {
                indent(text, depth, &mut begun);
                text.push_str("# ");
                text.push_str(line);
                text.push('\n');
            }
            indent(text, depth, &mut begun);
            text.push_str(&yaml::scalar(&field.name));
            text.push(':');
            field.value.write(text, depth + 1);
        }
    }
}

impl Tree {
    /// A value behind `name:` or `-`, with the end of its line.
    fn write(&self, text: &mut String, depth: usize) {
        match self {
            Self::Text(value) => line(text, &yaml::scalar(value)),
            Self::Number(value) => line(text, &value.to_string()),
            Self::Bool(value) => line(text, &value.to_string()),
            Self::Map(map) if map.is_empty() => line(text, "{}"),
            Self::List(list) if list.is_empty() => line(text, "[]"),
            Self::Row(list) => {
                let list: Vec<String> = list.iter().map(Self::short).collect();
                line(text, &format!("[{}]", list.join(", ")));
            }
            Self::Map(map) => {
                text.push('\n');
                map.write(text, depth, false);
            }
            Self::List(list) => {
                text.push('\n');
                for element in list {
                    indent(text, depth, &mut false);
                    text.push('-');
                    match element {
                        Self::Map(map) if !map.is_empty() => {
                            text.push(' ');
                            map.write(text, depth + 1, true);
                        }
                        other => other.write(text, depth + 1),
                    }
                }
            }
            Self::Lines(value) => match yaml::literal(value, depth * 2) {
                Some(block) => text.push_str(&format!(" {block}")),
                None => line(text, &yaml::scalar(value)),
            },
        }
    }

    /// A value on one line.
    fn short(&self) -> String {
        match self {
            Self::Text(value) | Self::Lines(value) => yaml::scalar(value),
            Self::Number(value) => value.to_string(),
            Self::Bool(value) => value.to_string(),
            Self::List(list) | Self::Row(list) => {
                format!("[{}]", list.iter().map(Self::short).collect::<Vec<_>>().join(", "))
            }
            Self::Map(map) => {
                let field = |f: &Field| format!("{}: {}", yaml::scalar(&f.name), f.value.short());
                format!("{{{}}}", map.0.iter().map(field).collect::<Vec<_>>().join(", "))
            }
        }
    }
}

fn line(text: &mut String, value: &str) {
    text.push(' ');
    text.push_str(value);
    text.push('\n');
}

fn indent(text: &mut String, depth: usize, begun: &mut bool) {
    if !std::mem::take(begun) {
        text.push_str(&"  ".repeat(depth));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_document_reads_as_it_was_written_down() {
        let rule = Map::new().noted("Why.\nWhy else.", "action", "Ignore").with("no", true);
        let deep = Map::new().with("1", -2_i64).with("empty", Map::new()).with("none", Vec::new());
        let map = Map::new()
            .with("apiVersion", "batch/v1")
            .noted("Above.", "rules", vec![rule.into(), "x: y".into(), deep.into()])
            .with("row", Tree::Row(vec![1_u32.into(), "a, b".into()]))
            .with("nested", Tree::List(vec![Tree::List(vec!["a".into()])]))
            .with("lines", Tree::Lines("a: 1\n  b\n\nc\n".into()))
            .with_some("absent", None::<&str>)
            .with_any("absent", Vec::new());
        let text = map.document();
        let expected = "\
apiVersion: batch/v1
# Above.
rules:
  - # Why.
    # Why else.
    action: Ignore
    \"no\": true
  - \"x: y\"
  - \"1\": -2
    empty: {}
    none: []
row: [1, \"a, b\"]
nested:
  -
    - a
lines: |
  a: 1
    b

  c
";
        assert_eq!(text, expected);
        let read = yaml::document("p", text.as_bytes()).unwrap();
        let meant = json!({
            "apiVersion": "batch/v1",
            "rules": [
                {"action": "Ignore", "no": true}, "x: y", {"1": -2, "empty": {}, "none": []},
            ],
            "row": [1, "a, b"],
            "nested": [["a"]],
            "lines": "a: 1\n  b\n\nc\n",
        });
        assert_eq!(read, meant);
    }
}
