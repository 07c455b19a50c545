//! What the C interface consists of, as cbindgen derives it from the sources.

use std::error::Error;
use std::fs;

use cbindgen::{Builder, Config};

/// A type or a function, with its comment.
pub struct Declaration {
    /// All of it, as cbindgen writes it.
    pub text: String,
    pub name: String,
}

impl Declaration {
    /// Whether programs ask for it with `LIBNBD_HAVE_NBD_...`.
    pub fn is_announced(&self) -> bool {
        self.is_function() || self.name.ends_with("_callback")
    }

    pub fn is_function(&self) -> bool {
        !self.text.contains("\n} ")
    }

    /// The lines of the doc comment.
    pub fn comment(&self) -> Vec<&str> {
        self.text
            .lines()
            .skip_while(|line| *line == "/**")
            .map_while(|line| line.strip_prefix(" *").filter(|line| *line != "/"))
            .map(|line| line.strip_prefix(' ').unwrap_or(line))
            .collect()
    }

    /// The code below the doc comment, without attributes.
    pub fn code(&self) -> String {
        let code = self.text.split_once(" */\n").map_or("", |(_, code)| code);
        match code.split_once("LIBNBD_ATTRIBUTE_") {
            Some((prototype, _)) => format!("{};", prototype.trim_end()),
            None => code.to_owned(),
        }
    }
}

/// The functions of one file of `src/ffi`.
pub struct Family {
    /// The lines of the comment at the top of the file.
    pub comment: Vec<String>,
    pub functions: Vec<Declaration>,
}

impl Family {
    pub fn read(config: &Config, name: &str) -> Result<Self, Box<dyn Error>> {
        let file = format!("src/ffi/{name}.rs");
        let comment = fs::read_to_string(&file)?
            .lines()
            .map_while(|line| line.strip_prefix("//!"))
            .map(|line| line.strip_prefix(' ').unwrap_or(line).to_owned())
            .collect();
        Ok(Self {
            comment,
            functions: declarations(config, &file)?,
        })
    }
}

/// What one file declares.
pub fn declarations(config: &Config, file: &str) -> Result<Vec<Declaration>, Box<dyn Error>> {
    let bindings = Builder::new()
        .with_config(config.clone())
        .with_src(file)
        .generate()?;
    let mut text = Vec::new();
    bindings.write(&mut text);

    String::from_utf8(text)?
        .trim_end()
        .split("\n\n")
        .map(|block| {
            Ok(Declaration {
                name: name(block).ok_or_else(|| format!("no name in {block:?}"))?,
                text: block.trim_start().to_owned(),
            })
        })
        .collect()
}

/// The name that a block declares.
fn name(block: &str) -> Option<String> {
    let name = if let Some((_, end)) = block.split_once("\n} ") {
        end.strip_suffix(';')
    } else {
        let (_, prototype) = block.rsplit_once("*/\n")?;
        prototype.split('(').next()?.rsplit([' ', '*']).next()
    };
    name.filter(|name| name.starts_with("nbd_"))
        .map(str::to_owned)
}
