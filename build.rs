//! Makes the C header and the manual, both from the doc comments of `src/ffi`
//! and from `src/table.rs`.
//!
//! They are written to `$OUT_DIR/libnbd.h` and `$OUT_DIR/man`, and also to the
//! file that `LIBNBD_HEADER_OUT` names and to the directory that
//! `LIBNBD_MAN_OUT` names, if these are set.

#[path = "src/protocol/flag.rs"]
mod flag;
mod generate;
#[path = "src/table.rs"]
#[allow(dead_code, reason = "the library uses all of it")]
mod table;

use std::env;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use cbindgen::Config;

use generate::{header, manual, sources};

/// The files that define types, in the order of the header.
const TYPES: [&str; 2] = ["src/callback.rs", "src/ffi/callbacks.rs"];

/// The files that define functions, in the order of the header: first what
/// every program needs, then the life of a handle.
const FAMILIES: &[&str] = &[
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

const TABLE: &str = "src/table.rs";
const FRAME: &str = "src/ffi/libnbd.h.in";
const CONFIG: &str = "cbindgen.toml";
/// The pages of the manual that are written by hand, and its example programs.
const MANUAL: &str = "man";

fn main() -> Result<(), Box<dyn Error>> {
    let code = ["build.rs", "generate", TABLE];
    let inputs = [CONFIG, "src/ffi", "src/callback.rs", MANUAL];
    for input in code.iter().chain(&inputs) {
        println!("cargo:rerun-if-changed={input}");
    }
    // The table of functions looks whether it is in the library or in here.
    println!("cargo::rustc-cfg=library");
    println!("cargo:rerun-if-env-changed=LIBNBD_HEADER_OUT");
    println!("cargo:rerun-if-env-changed=LIBNBD_MAN_OUT");

    let config = Config::from_file(CONFIG)?;
    let types = sources::types(&config, &TYPES)?;
    let families = sources::families(&config, FAMILIES)?;

    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("OUT_DIR is not set")?);
    let header = header::text(&fs::read_to_string(FRAME)?, &types, &families);
    for file in outputs(out.join("libnbd.h"), "LIBNBD_HEADER_OUT") {
        fs::write(file, &header)?;
    }
    for directory in outputs(out.join("man"), "LIBNBD_MAN_OUT") {
        manual::write(&directory, Path::new(MANUAL), &types, &families)?;
    }
    Ok(())
}

/// Where something is to be written: always there, and where a variable says.
fn outputs(always: PathBuf, variable: &str) -> Vec<PathBuf> {
    let asked_for = env::var_os(variable).filter(|value| !value.is_empty());
    [always]
        .into_iter()
        .chain(asked_for.map(PathBuf::from))
        .collect()
}
