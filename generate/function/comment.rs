//! The doc comment of a function, taken apart.

/// The parts that a doc comment can have after its description, as they begin.
const FIELDS: [&str; 4] = ["Returns:", "Errors:", "See also:", "Source:"];

/// What the generator writes by itself.
const DERIVED: [&str; 2] = ["States:", "Since:"];

/// The parts of a doc comment.
pub struct Comment {
    /// The first paragraph, which is one sentence.
    pub summary: String,
    /// The paragraphs that follow it, in lines.
    pub description: Vec<String>,
    pub returns: Option<String>,
    /// One entry for each item of the list.
    pub errors: Vec<String>,
    pub see_also: String,
    pub source: Option<String>,
}

impl Comment {
    pub fn parse(lines: &[&str]) -> Result<Self, String> {
        let mut description: Vec<String> = Vec::new();
        let mut fields: Vec<(&str, Vec<&str>)> = Vec::new();
        for line in lines {
            if DERIVED.iter().any(|field| line.starts_with(field)) {
                return Err(format!("\"{line}\" follows from src/table.rs: remove it"));
            }
            let field = FIELDS
                .iter()
                .find_map(|field| Some((*field, line.strip_prefix(field)?)));
            match (field, fields.last_mut()) {
                (Some((field, rest)), _) => fields.push((field, vec![rest])),
                (None, Some((_, lines))) => lines.push(line),
                (None, None) => description.push((*line).to_owned()),
            }
        }
        let field = |name| {
            let (_, lines) = fields.iter().find(|(field, _)| *field == name)?;
            Some(lines.as_slice())
        };

        let end = description.iter().position(String::is_empty);
        let summary: Vec<String> = description
            .drain(..end.unwrap_or(description.len()))
            .collect();
        while description.last().is_some_and(String::is_empty) {
            description.pop();
        }
        Ok(Self {
            summary: summary.join(" "),
            description: description
                .into_iter()
                .skip_while(String::is_empty)
                .collect(),
            returns: field("Returns:").map(paragraph),
            errors: field("Errors:").map_or(Ok(Vec::new()), items)?,
            see_also: field("See also:").map(paragraph).unwrap_or_default(),
            source: field("Source:").map(paragraph),
        })
    }
}

/// Lines as one line.
fn paragraph(lines: &[&str]) -> String {
    let words: Vec<&str> = lines.iter().map(|line| line.trim()).collect();
    words.join(" ").trim().to_owned()
}

/// The items of a list.
fn items(lines: &[&str]) -> Result<Vec<String>, String> {
    let mut items: Vec<String> = Vec::new();
    for line in lines.iter().filter(|line| !line.is_empty()) {
        if let Some(item) = line.strip_prefix("- ") {
            items.push(item.to_owned());
        } else if let Some(item) = items.last_mut() {
            *item = format!("{item} {}", line.trim());
        } else {
            return Err(format!("\"Errors:{line}\" is not the beginning of a list"));
        }
    }
    Ok(items)
}
