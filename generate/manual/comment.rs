//! The doc comment of a function, taken apart.

/// The parts that a doc comment can have behind its description, as they begin.
const FIELDS: [&str; 6] = [
    "Returns:",
    "Errors:",
    "States:",
    "Since:",
    "See also:",
    "Source:",
];

/// The parts of a doc comment.
pub struct Comment<'a> {
    /// The first paragraph, which is one sentence.
    pub summary: String,
    pub description: Vec<&'a str>,
    fields: Vec<(&'static str, Vec<&'a str>)>,
}

impl<'a> Comment<'a> {
    pub fn parse(lines: &[&'a str]) -> Self {
        let mut comment = Self {
            summary: String::new(),
            description: Vec::new(),
            fields: Vec::new(),
        };
        for line in lines {
            let field = FIELDS
                .iter()
                .find_map(|field| Some((*field, line.strip_prefix(field)?)));
            if let Some((field, rest)) = field {
                comment.fields.push((field, vec![rest.trim()]));
            } else if let Some((_, lines)) = comment.fields.last_mut() {
                lines.push(line);
            } else {
                comment.description.push(line);
            }
        }
        let end = comment.description.iter().position(|line| line.is_empty());
        let end = end.unwrap_or(comment.description.len());
        let summary: Vec<&str> = comment.description.drain(..end).collect();
        comment.summary = summary.join(" ");
        comment
    }

    /// The lines of a part; the first may be empty.
    pub fn lines(&self, field: &str) -> Option<&[&'a str]> {
        let (_, lines) = self.fields.iter().find(|(name, _)| *name == field)?;
        Some(lines)
    }

    /// A part that is a paragraph.
    pub fn text(&self, field: &str) -> Option<String> {
        let words: Vec<&str> = self.lines(field)?.iter().map(|line| line.trim()).collect();
        Some(words.join(" ").trim().to_owned())
    }
}
