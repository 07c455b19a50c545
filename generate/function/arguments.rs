//! What can be wrong with the arguments of any function.

use super::Function;
use crate::table::Word;

pub fn errors(function: &Function) -> Vec<String> {
    missing(function)
        .into_iter()
        .chain(word(function))
        .collect()
}

/// What is passed by reference must be there.
fn missing(function: &Function) -> Option<String> {
    let parameters = &function.signature.parameters;
    let pointers: Vec<String> = parameters
        .iter()
        .filter(|parameter| parameter.is_pointer() && !parameter.is_handle())
        .map(|parameter| format!("`{}`", parameter.name))
        .collect();
    let mut reasons = Vec::new();
    if !pointers.is_empty() {
        reasons.push(format!("{} is `NULL`", pointers.join(" or ")));
    }
    for parameter in parameters
        .iter()
        .filter(|parameter| parameter.is_callback())
    {
        reasons.push(format!(
            "`{}` has neither `callback` nor `free`",
            parameter.name
        ));
    }
    (!reasons.is_empty()).then(|| format!("`EFAULT`: {}.", reasons.join(", or ")))
}

/// A choice or a mask.  The flags of commands are checked with the command.
fn word(function: &Function) -> Option<String> {
    let name = &function.signature.parameters.last()?.name;
    let fault = match function.row.word {
        Word::None | Word::Command(_) => return None,
        Word::Choice(_) => "is not one of the values listed above",
        Word::Mask(_) => "contains an unknown bit",
    };
    let unchanged = match function.name.starts_with("nbd_set_") {
        true => "; the setting is unchanged",
        false => "",
    };
    Some(format!("`EINVAL`: `{name}` {fault}{unchanged}."))
}
