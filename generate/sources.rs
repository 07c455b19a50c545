//! What the C interface consists of, as cbindgen derives it from the sources.

use std::collections::BTreeSet;
use std::error::Error;
use std::fs;

use cbindgen::{Builder, Config};

use super::function::Function;
use crate::table::Row;

/// Functions with one header, one pkg-config file and one overview page.
pub struct Interface {
    /// The name of these three.
    pub name: &'static str,
    pub families: Vec<Family>,
}

impl Interface {
    /// Reads files of `src/ffi`, which must declare the functions of all `rows`.
    pub fn read(
        config: &Config,
        name: &'static str,
        families: &[&str],
        rows: &[&Row],
    ) -> Result<Self, Box<dyn Error>> {
        let families = families
            .iter()
            .map(|name| Family::read(config, name))
            .collect::<Result<_, _>>()?;
        let interface = Self { name, families };
        let declared: BTreeSet<&[u8]> = interface
            .functions()
            .map(|function| function.name.as_bytes())
            .collect();
        for row in rows {
            if !declared.contains(row.name.to_bytes()) {
                let name = row.name.to_string_lossy();
                return Err(format!(
                    "src/table.rs has a row for {name}, but no file of src/ffi declares it"
                )
                .into());
            }
        }
        Ok(interface)
    }

    pub fn functions(&self) -> impl Iterator<Item = &Function> {
        self.families.iter().flat_map(|family| &family.functions)
    }
}

/// A type, with its comments.
pub struct Type {
    pub name: String,
    /// All of it, as cbindgen writes it.
    pub text: String,
}

impl Type {
    /// Whether programs ask for it with `LIBNBD_HAVE_NBD_...`.
    pub fn is_announced(&self) -> bool {
        self.name.ends_with("_callback")
    }

    /// The code below the comment at the top.
    pub fn code(&self) -> &str {
        self.text.split_once(" */\n").map_or("", |(_, code)| code)
    }
}

/// The functions of one file of `src/ffi`.
pub struct Family {
    /// The lines of the comment at the top of the file.
    pub comment: Vec<String>,
    pub functions: Vec<Function>,
}

impl Family {
    fn read(config: &Config, name: &str) -> Result<Self, Box<dyn Error>> {
        let file = format!("src/ffi/{name}.rs");
        let comment = fs::read_to_string(&file)?
            .lines()
            .map_while(|line| line.strip_prefix("//!"))
            .map(|line| line.strip_prefix(' ').unwrap_or(line).to_owned())
            .collect();
        let functions = declarations(config, &file)?;
        let functions = functions.iter().map(|block| function(block));
        Ok(Self {
            comment,
            functions: functions
                .collect::<Result<_, _>>()
                .map_err(|error| format!("{file}: {error}"))?,
        })
    }
}

/// The types that some files define.
pub fn types(config: &Config, files: &[&str]) -> Result<Vec<Type>, Box<dyn Error>> {
    let mut types = Vec::new();
    for file in files {
        for text in declarations(config, file)? {
            let name = text
                .rsplit_once("\n} ")
                .and_then(|(_, end)| end.strip_suffix(';'))
                .ok_or_else(|| format!("{file}: not a type: {text}"))?
                .to_owned();
            types.push(Type { name, text });
        }
    }
    Ok(types)
}

/// What one file declares, each with its comment.
fn declarations(config: &Config, file: &str) -> Result<Vec<String>, Box<dyn Error>> {
    let bindings = Builder::new()
        .with_config(config.clone())
        .with_src(file)
        .generate()?;
    let mut text = Vec::new();
    bindings.write(&mut text);
    let text = String::from_utf8(text)?;
    let blocks = text.trim_end().split("\n\n");
    Ok(blocks.map(|block| block.trim_start().to_owned()).collect())
}

/// A function from its comment and the prototype below it.
fn function(block: &str) -> Result<Function, String> {
    let (comment, prototype) = block
        .strip_prefix("/**\n")
        .and_then(|block| block.split_once("\n */\n"))
        .ok_or_else(|| format!("no doc comment: {block}"))?;
    let comment: Vec<&str> = comment
        .lines()
        .map(|line| line.trim_start_matches(" *"))
        .map(|line| line.strip_prefix(' ').unwrap_or(line))
        .collect();
    let name = prototype
        .split('(')
        .next()
        .and_then(|start| start.rsplit([' ', '*']).next())
        .unwrap_or_default();
    Function::new(name, &comment, prototype).map_err(|error| format!("{name}: {error}"))
}
