//! A function of the C interface: what its doc comment says, and what follows
//! from its signature and from its row in the table.
//!
//! A doc comment says only what is peculiar to its function; it is an error if
//! one repeats what is derived here.

mod arguments;
mod commands;
mod comment;
mod handshake;
mod signature;
mod states;

use crate::table::{self, Row, Word};
use comment::Comment;
use signature::{Parameter, Signature};

/// How summaries begin that say what is returned.
const RETURNS: &str = "Returns ";
/// How summaries begin of functions that return a truth value.
const ASKS: &str = "Reports whether ";

pub struct Function {
    pub name: String,
    /// Without attributes.
    pub prototype: String,
    pub comment: Comment,
    signature: Signature,
    row: &'static Row,
}

impl Function {
    /// From the lines of the doc comment and the code below it.
    pub fn new(name: &str, comment: &[&str], prototype: &str) -> Result<Self, String> {
        let row = table::ALL
            .iter()
            .chain(table::EXTENSION)
            .find(|row| row.name.to_bytes() == name.as_bytes())
            .ok_or("there is no row for it in src/table.rs")?;
        let signature = Signature::parse(prototype).ok_or(
            "more than a prototype: attributes follow from the signature, so remove \
             cbindgen:postfix",
        )?;
        let function = Self {
            name: name.to_owned(),
            prototype: prototype.to_owned(),
            comment: Comment::parse(comment)?,
            signature,
            row,
        };
        function.check()?;
        Ok(function)
    }

    /// Refuses what is said twice, or nowhere.
    fn check(&self) -> Result<(), String> {
        let word = match self.row.word {
            Word::None => None,
            Word::Choice(_) => Some("int"),
            Word::Mask(_) | Word::Command(_) => Some("uint32_t"),
        };
        let last = self.signature.parameters.last();
        if word.is_some_and(|kind| last.is_none_or(|last| last.kind != kind)) {
            return Err("the last parameter is not the word that src/table.rs describes".into());
        }
        let derived = self.derived_errors().concat();
        for error in &self.comment.errors {
            if derived.contains(error) || error.starts_with("`EFAULT`") {
                return Err(format!(
                    "\"{error}\" is derived: remove it from the doc comment"
                ));
            }
        }
        match (&self.comment.returns, self.usual_result()) {
            (Some(returns), _) if self.can_fail() && returns.contains("on failure") => Err(
                format!("\"Returns: {returns}\": what a failure returns is derived"),
            ),
            (Some(returns), Some(usual)) if *returns == usual => {
                Err(format!("\"Returns: {returns}\" is derived: remove it"))
            }
            (None, None) => Err("\"Returns:\" is missing".to_owned()),
            _ => Ok(()),
        }
    }

    /// The attributes of the declaration.  The one function that accepts a null
    /// pointer has no way to refuse it: it returns nothing.
    pub fn attributes(&self) -> Vec<String> {
        let mut attributes = Vec::new();
        let free = match self.signature.returns.as_str() {
            "char *" => Some("__builtin_free"),
            "struct nbd_handle *" => Some("nbd_close"),
            _ => None,
        };
        attributes.extend(free.map(|free| format!("LIBNBD_ATTRIBUTE_ALLOC_DEALLOC({free})")));
        let pointers: Vec<String> = (1_usize..)
            .zip(&self.signature.parameters)
            .filter(|(_, parameter)| parameter.is_pointer())
            .map(|(position, _)| position.to_string())
            .collect();
        if !pointers.is_empty() && self.signature.returns != "void" {
            attributes.push(format!("LIBNBD_ATTRIBUTE_NONNULL({})", pointers.join(", ")));
        }
        attributes
    }

    /// The first version of the interface that had it.
    pub fn since(&self) -> &'static str {
        self.row.since
    }

    /// What state the handle must be in, if there is one.
    pub fn states(&self) -> Option<String> {
        let takes_handle = self.signature.parameters.iter().any(Parameter::is_handle);
        takes_handle.then(|| states::sentence(self.row.states))
    }

    /// What is to be said of the flags of a command.
    pub fn flags(&self) -> Vec<String> {
        commands::flags(self)
    }

    /// What it returns, to be read after "returns".
    pub fn returns(&self) -> String {
        let peculiar = self.comment.returns.as_deref();
        let result = peculiar.or_else(|| self.usual_result()).unwrap_or_default();
        // A setter can always fail: the handle may be invalid.
        if !self.can_fail() && result != "0." {
            return result.to_owned();
        }
        let failure = match self.signature.returns.ends_with('*') {
            true => "`NULL`",
            false => "-1",
        };
        let owner = match self.signature.returns.as_str() {
            "char *" => " The caller must free the string with `free`(3).",
            _ => "",
        };
        let result = result.trim_end_matches('.');
        format!("{result}, or {failure} on failure.{owner}")
    }

    /// Whether the summary is about what it returns, and there is no more to be
    /// said of that.
    pub fn is_getter(&self) -> bool {
        self.comment.returns.is_none() && self.comment.summary.starts_with(RETURNS)
    }

    /// What functions of its kind return on success.
    fn usual_result(&self) -> Option<&str> {
        let summary = self.comment.summary.as_str();
        let has_completion = self.parameter("completion_callback").is_some();
        match self.signature.returns.as_str() {
            _ if summary.starts_with(RETURNS) => summary.strip_prefix(RETURNS),
            "void" => Some("nothing."),
            "int" if summary.starts_with(ASKS) && self.can_fail() => Some("1 if so, 0 if not."),
            "int" if summary.starts_with(ASKS) => Some("1 if so, or 0 if not."),
            "int" if has_completion => Some("0 if the option has been started."),
            "int" => Some("0."),
            "int64_t" if has_completion => Some("the cookie of the command."),
            _ => None,
        }
    }

    /// The errors, each an item of a list.
    pub fn errors(&self) -> Vec<String> {
        let [before, after] = self.derived_errors();
        [before, self.comment.errors.clone(), after].concat()
    }

    /// Whether it can fail with a valid handle.
    fn can_fail(&self) -> bool {
        !self.errors().is_empty()
    }

    /// The errors that follow from rules: first what is checked before
    /// anything is done, then how the work can fail.
    fn derived_errors(&self) -> [Vec<String>; 2] {
        let before = [
            states::errors(self.row.states),
            arguments::errors(self),
            commands::checks(self),
            handshake::checks(self),
        ];
        let mut after = commands::outcomes(self);
        after.extend(handshake::outcomes(self).iter().map(|&error| error.into()));
        if self.signature.returns == "char *" {
            after.push("`ENOMEM`: there is not enough memory for the copy.".to_owned());
        }
        [before.concat(), after]
    }

    fn is_asynchronous(&self) -> bool {
        self.name.starts_with("nbd_aio_")
    }

    fn parameter(&self, name: &str) -> Option<&Parameter> {
        let mut parameters = self.signature.parameters.iter();
        parameters.find(|parameter| parameter.name == name)
    }
}
