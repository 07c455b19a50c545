//! Makes the C header: cbindgen derives types and functions from `src/ffi`,
//! and `src/ffi/libnbd.h.in` gives the frame they stand in.
//!
//! The header is written to `$OUT_DIR/libnbd.h` and, if `LIBNBD_HEADER_OUT` is
//! set, also to the path it names.

use std::error::Error;
use std::fs;
use std::path::Path;

use cbindgen::{Builder, Config};

/// The files that define types, in the order of the header.
const TYPES: [&str; 2] = ["src/callback.rs", "src/ffi/callbacks.rs"];

/// The files that define functions, in the order of the header: first what
/// every program needs, then the life of a handle.
const FAMILIES: [&str; 18] = [
    "library",
    "debug",
    "settings",
    "handshake",
    "tls",
    "meta_context",
    "connect",
    "uri",
    "subprocess",
    "options",
    "aio_options",
    "info",
    "data",
    "block_status",
    "aio_data",
    "aio",
    "state",
    "stats",
];

const FRAME: &str = "src/ffi/libnbd.h.in";
const CONFIG: &str = "cbindgen.toml";

fn main() -> Result<(), Box<dyn Error>> {
    for input in ["build.rs", CONFIG, "src/ffi", "src/callback.rs"] {
        println!("cargo:rerun-if-changed={input}");
    }
    println!("cargo:rerun-if-env-changed=LIBNBD_HEADER_OUT");

    let header = header()?;
    fs::write(
        Path::new(&std::env::var("OUT_DIR")?).join("libnbd.h"),
        &header,
    )?;
    if let Some(path) = std::env::var_os("LIBNBD_HEADER_OUT") {
        fs::write(path, &header)?;
    }
    Ok(())
}

/// The whole header.
fn header() -> Result<String, Box<dyn Error>> {
    let config = Config::from_file(CONFIG)?;
    let mut types = String::new();
    for file in TYPES {
        types.push_str(&declarations(&config, file)?);
    }
    let mut functions = String::new();
    for family in FAMILIES {
        let file = format!("src/ffi/{family}.rs");
        functions.push_str(&heading(&fs::read_to_string(&file)?));
        functions.push_str(&declarations(&config, &file)?);
    }
    let frame = fs::read_to_string(FRAME)?;
    Ok(frame
        .replace("\n@TYPES@\n", &types)
        .replace("\n@FUNCTIONS@\n", &functions))
}

/// What cbindgen derives from one file, with `LIBNBD_HAVE_NBD_...` defined
/// behind every function and callback type.
fn declarations(config: &Config, file: &str) -> Result<String, Box<dyn Error>> {
    let bindings = Builder::new()
        .with_config(config.clone())
        .with_src(file)
        .generate()?;
    let mut text = Vec::new();
    bindings.write(&mut text);

    let mut header = String::new();
    for block in String::from_utf8(text)?.trim_end().split("\n\n") {
        header.push('\n');
        header.push_str(&tidy(block));
        header.push('\n');
        if let Some(name) = declared(block) {
            header.push_str(&format!("#define LIBNBD_HAVE_{} 1\n", name.to_uppercase()));
        }
    }
    Ok(header)
}

/// The comment at the top of a file, as the heading of a family.
fn heading(source: &str) -> String {
    let lines: String = source
        .lines()
        .map_while(|line| line.strip_prefix("//!"))
        .map(|line| format!(" *{line}\n").replace('`', ""))
        .collect();
    format!("\n/{}\n{lines} {}/\n", "*".repeat(78), "*".repeat(77))
}

/// One declaration with its comments, as a C programmer would lay it out.
fn tidy(declaration: &str) -> String {
    // Backquotes mark C names for rustdoc, and a comment with two stars is for
    // tools that nobody needs here.
    let text = declaration.replace('`', "").replace("/**\n", "/*\n");
    let mut lines: Vec<String> = Vec::new();
    for line in text.lines() {
        match lines.as_slice() {
            // A comment of one line needs no line for its beginning and end.
            [.., start, comment] if start.trim() == "/*" && line.trim() == "*/" => {
                let short = format!("{} */", comment.replacen(" * ", "/* ", 1));
                lines.truncate(lines.len().saturating_sub(2));
                lines.push(short);
            }
            _ if line.starts_with("LIBNBD_ATTRIBUTE_") => lines.push(format!("    {line}")),
            _ => lines.push(line.to_owned()),
        }
    }
    lines.join("\n")
}

/// The function or callback type that a block declares.
fn declared(block: &str) -> Option<&str> {
    let name = if let Some((_, end)) = block.split_once("\n} ") {
        end.strip_suffix(';')
            .filter(|name| name.ends_with("_callback"))
    } else {
        let (_, prototype) = block.rsplit_once("*/\n")?;
        prototype.split('(').next()?.rsplit([' ', '*']).next()
    };
    name.filter(|name| name.starts_with("nbd_"))
}
