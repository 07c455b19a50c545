//! A C prototype, taken apart.

/// The types of a function.
pub struct Signature {
    pub returns: String,
    pub parameters: Vec<Parameter>,
}

pub struct Parameter {
    pub kind: String,
    pub name: String,
}

impl Signature {
    pub fn parse(prototype: &str) -> Option<Self> {
        let (start, rest) = prototype.split_once('(')?;
        let list = rest
            .strip_suffix(");")
            .filter(|list| !list.contains(['(', ')']))?;
        Some(Self {
            returns: Parameter::parse(start).kind,
            parameters: list
                .split(',')
                .map(Parameter::parse)
                .filter(|parameter| !parameter.kind.is_empty())
                .collect(),
        })
    }
}

impl Parameter {
    /// A type and a name; a lone `void` counts as a name.
    fn parse(text: &str) -> Self {
        let text = text.trim();
        let kind = text.trim_end_matches(|c: char| c.is_ascii_alphanumeric() || c == '_');
        Self {
            kind: kind.trim_end().to_owned(),
            name: text.get(kind.len()..).unwrap_or_default().to_owned(),
        }
    }

    pub fn is_handle(&self) -> bool {
        self.kind == "struct nbd_handle *"
    }

    pub fn is_pointer(&self) -> bool {
        self.kind.ends_with('*')
    }

    /// A callback that runs while a command or an option is under way, or for
    /// debug messages.
    pub fn is_callback(&self) -> bool {
        self.kind.ends_with("_callback") && !self.is_completion()
    }

    /// The callback that runs when a command or an option has ended, which can
    /// be left out.
    pub fn is_completion(&self) -> bool {
        self.kind == "nbd_completion_callback"
    }
}
