//! The command line.

use std::path::PathBuf;
use std::sync::Arc;

use embedded_server::{Config, Disk, Script, size, wire};

/// Printed by --help.
pub(crate) const USAGE: &str = "\
Usage: embedded-server [OPTION]...
Serves a disk over NBD. Without an address, on a socket passed by socket activation.

Address:
  --unix PATH              Unix socket
  --tcp HOST:PORT          TCP; port 0 takes a free one
  --stdio                  the socket that is standard input
Process:
  --once                   exit after the first client
  --ready-file PATH        write the NBD URI there when bound
  --pid-file PATH          write the process id there
  --exit-with-parent       exit when the parent process does
  --strict-exit            exit with status 3 when a client breaks the protocol
  --log PATH               append each option, request and violation
Disk:
  --size BYTES[K|M|G]      RAM disk of this size (default 8M)
  --pattern                every 8 bytes contain their own big-endian offset
  --file PATH              serve this file
  --read-only              refuse changes
Handshake:
  --handshake oldstyle|newstyle|fixed
  --no-no-zeroes           do not offer NO_ZEROES
  --refuse OPTION[=ERROR][:MESSAGE]
                           reply with an error (default UNSUP); OPTION may be 'all'
  --replies simple|structured|extended
                           highest form to negotiate
  --flags NUMBER           transmission flags in place of the true ones
  --block-size MIN,PREF,MAX
  --export NAME[=DESCRIPTION]
                           serve this name (default: any)
  --context NAME[=LENGTH:FLAGS,...]
                           offer this meta context (default base:allocation); without
                           extents it shows the disk's allocation
  --no-contexts            offer none
Transmission:
  --reorder N              collect up to N requests, reply to the last one first
  --split-reads BYTES      longest data chunk
  --sparse-reads           send hole chunks for zero blocks
  --fail COMMAND=ERROR     make this command always fail
Faults:
  --cut N                  close after sending N bytes
  --flip N[:MASK]          xor output byte N with MASK (default 0xff)
  --drip N                 send at most N bytes at a time
  --script FILE            follow a script (see README.md)
";

/// Where to serve.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Address {
    Unix(PathBuf),
    Tcp(String),
    Stdio,
    Activation,
}

/// The contents of the command line.
#[derive(Debug)]
pub(crate) struct Arguments {
    pub(crate) address: Address,
    pub(crate) once: bool,
    pub(crate) ready_file: Option<PathBuf>,
    pub(crate) pid_file: Option<PathBuf>,
    pub(crate) log: Option<PathBuf>,
    pub(crate) exit_with_parent: bool,
    pub(crate) strict_exit: bool,
    pub(crate) config: Config,
}

/// The options for the disk, collected until all are known.
struct DiskWish {
    size: u64,
    pattern: bool,
    file: Option<PathBuf>,
}

/// Reads the command line.
pub(crate) fn parse(words: Vec<String>) -> Result<Arguments, String> {
    let mut arguments = Arguments {
        address: Address::Activation,
        once: false,
        ready_file: None,
        pid_file: None,
        log: None,
        exit_with_parent: false,
        strict_exit: false,
        config: Config::default(),
    };
    let mut disk = DiskWish {
        size: 8 << 20,
        pattern: false,
        file: None,
    };
    let mut default_contexts = true;
    let mut words = words.into_iter();
    while let Some(option) = words.next() {
        let mut value = || {
            words
                .next()
                .ok_or_else(|| format!("{option} needs a value"))
        };
        let config = &mut arguments.config;
        match option.as_str() {
            "--unix" => arguments.address = Address::Unix(value()?.into()),
            "--tcp" => arguments.address = Address::Tcp(value()?),
            "--stdio" => arguments.address = Address::Stdio,
            "--once" => arguments.once = true,
            "--ready-file" => arguments.ready_file = Some(value()?.into()),
            "--pid-file" => arguments.pid_file = Some(value()?.into()),
            "--exit-with-parent" => arguments.exit_with_parent = true,
            "--strict-exit" => arguments.strict_exit = true,
            "--log" => arguments.log = Some(value()?.into()),
            "--size" => disk.size = bytes(&value()?)?,
            "--pattern" => disk.pattern = true,
            "--file" => disk.file = Some(value()?.into()),
            "--read-only" => config.read_only = true,
            "--handshake" => config.handshake = value()?.parse()?,
            "--no-no-zeroes" => config.no_zeroes = false,
            "--refuse" => config.refusals.push(value()?.parse()?),
            "--replies" => config.replies = value()?.parse()?,
            "--flags" => config.flags = Some(integer(&value()?)?),
            "--block-size" => config.block_size = Some(value()?.parse()?),
            "--export" => config.exports.push(infallible(value()?.parse())),
            "--context" | "--no-contexts" => {
                if std::mem::take(&mut default_contexts) {
                    config.contexts.clear();
                }
                if option == "--context" {
                    config.contexts.push(value()?.parse()?);
                }
            }
            "--reorder" => config.reorder = integer(&value()?)?,
            "--split-reads" => config.split_reads = Some(integer(&value()?)?),
            "--sparse-reads" => config.sparse_reads = true,
            "--fail" => config.failures.push(value()?.parse()?),
            "--cut" => config.faults.cut = Some(integer(&value()?)?),
            "--flip" => config.faults.flips.push(flip(&value()?)?),
            "--drip" => config.faults.drip = Some(integer(&value()?)?),
            "--script" => config.script = Some(Script::load(value()?.as_ref())?),
            _ => return Err(format!("unknown option '{option}'; see --help")),
        }
    }
    arguments.config.disk = Arc::new(disk.make(arguments.config.read_only)?);
    Ok(arguments)
}

impl DiskWish {
    fn make(self, read_only: bool) -> Result<Disk, String> {
        match self.file {
            Some(path) => {
                Disk::file(&path, read_only).map_err(|error| format!("{}: {error}", path.display()))
            }
            None if self.pattern => Ok(Disk::pattern(self.size)),
            None => Ok(Disk::ram(self.size)),
        }
    }
}

fn infallible<T>(result: Result<T, std::convert::Infallible>) -> T {
    match result {
        Ok(value) => value,
    }
}

fn bytes(word: &str) -> Result<u64, String> {
    size(word).ok_or_else(|| format!("'{word}' is not a size"))
}

fn integer<T: TryFrom<u64>>(word: &str) -> Result<T, String> {
    size(word)
        .and_then(|value| value.try_into().ok())
        .ok_or_else(|| format!("'{word}' is not a suitable number"))
}

fn flip(word: &str) -> Result<(u64, u8), String> {
    let (position, mask) = word.split_once(':').unwrap_or((word, "0xff"));
    let mask = wire::number(mask).and_then(|mask| u8::try_from(mask).ok());
    Ok((
        integer(position)?,
        mask.ok_or_else(|| format!("'{word}' has no mask of 8 bits"))?,
    ))
}
