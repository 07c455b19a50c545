//! Tests the parts of the build script that derive rules of the manual from the
//! function table and the signatures, and that read its markup.

#![allow(
    clippy::arithmetic_side_effects,
    reason = "the tests of the table may add and subtract"
)]

#[path = "../src/protocol/flag.rs"]
mod flag;
#[path = "../generate/function/mod.rs"]
#[allow(dead_code, reason = "the build script uses all of it")]
mod function;
#[path = "../generate/manual/markup.rs"]
#[allow(dead_code, reason = "the build script uses all of it")]
mod markup;
#[path = "../generate/manual/page.rs"]
#[allow(dead_code, reason = "the build script uses all of it")]
mod page;
#[path = "../src/table.rs"]
#[allow(dead_code, reason = "the library uses all of it")]
mod table;

#[cfg(test)]
mod tests {
    use super::function::Function;
    use super::markup::{Block, blocks};
    use super::table;
    use serde_json::Value;

    const FLUSH: &str = "int nbd_flush(struct nbd_handle *h, uint32_t flags);";
    const GET_URI: &str = "char *nbd_get_uri(struct nbd_handle *h);";

    fn flush(comment: &[&str]) -> Result<Function, String> {
        Function::new("nbd_flush", comment, FLUSH)
    }

    /// Returns the fault found in a comment on `nbd_flush`.
    fn fault(comment: &[&str]) -> String {
        flush(comment).err().expect("the comment is refused")
    }

    #[test]
    fn a_doc_comment_does_not_repeat_the_table() {
        let fault = fault(&["Flushes.", "", "States: connected."]);
        assert!(fault.contains("States: connected."), "{fault}");
        let fault = self::fault(&["Flushes.", "", "Since: 1.0."]);
        assert!(fault.contains("src/table.rs"), "{fault}");
    }

    #[test]
    fn a_doc_comment_does_not_repeat_derived_errors() {
        let repeated = "- `EPROTO`: the reply violates the protocol.";
        let fault = fault(&["Flushes.", "", "Errors:", repeated]);
        assert!(fault.contains("is derived"), "{fault}");
        let fault = self::fault(&["Flushes.", "", "Errors:", "- `EFAULT`: anything."]);
        assert!(fault.contains("is derived"), "{fault}");
        let fault = self::fault(&["Flushes.", "", "Errors: none."]);
        assert!(fault.contains("none."), "{fault}");
    }

    #[test]
    fn a_doc_comment_does_not_repeat_what_is_returned() {
        let fault = fault(&["Flushes.", "", "Returns: 0."]);
        assert!(fault.contains("is derived"), "{fault}");
        let fault = self::fault(&["Flushes.", "", "Returns: 1, or -1 on failure."]);
        assert!(fault.contains("what a failure returns"), "{fault}");
    }

    #[test]
    fn attributes_are_not_written_by_hand() {
        let prototype = "int nbd_flush(struct nbd_handle *h, uint32_t flags)\n\
                         LIBNBD_ATTRIBUTE_NONNULL(1);";
        let fault = Function::new("nbd_flush", &["Flushes."], prototype).err();
        let fault = fault.expect("the prototype is refused");
        assert!(fault.contains("cbindgen:postfix"), "{fault}");
    }

    #[test]
    fn functions_of_the_extension_have_rows() {
        let prototype = "int nbdx_set_address_family(struct nbd_handle *h, int family);";
        let function = Function::new("nbdx_set_address_family", &["Sets it."], prototype);
        assert_eq!(function.unwrap().since(), "1.0");
    }

    #[test]
    fn a_function_needs_a_row() {
        let fault =
            Function::new("nbd_nothing", &["Does nothing."], "int nbd_nothing(void);").err();
        let fault = fault.expect("the function is refused");
        assert!(fault.contains("no row"), "{fault}");
    }

    #[test]
    fn a_command_has_the_errors_of_its_kind() {
        let function = flush(&["Flushes.", "", "Errors:", "- `EIO`: something", "  else."]);
        let function = function.unwrap();
        let errors = function.errors();
        let errors: Vec<&str> = errors
            .iter()
            .filter_map(|error| error.split(':').next())
            .collect();
        assert_eq!(
            errors,
            [
                "`ENOTCONN`",
                "`EINVAL`",
                "`EINVAL`",
                "`EINVAL`",
                "`EINVAL`",
                "`ENOMEM`",
                "`EIO`",
                "`EPROTO`",
                "`ENOTCONN`, another errno, or 0",
                "Any errno that the server sent.",
            ]
        );
        assert_eq!(function.flags(), ["`flags` must be 0."]);
        assert_eq!(function.returns(), "0, or -1 on failure.");
        assert_eq!(function.attributes(), ["LIBNBD_ATTRIBUTE_NONNULL(1)"]);
    }

    #[test]
    fn a_returned_string_has_to_be_freed() {
        let function = Function::new("nbd_get_uri", &["Returns the URI."], GET_URI).unwrap();
        assert_eq!(
            function.returns(),
            "the URI, or `NULL` on failure. The caller must free the string with `free`(3)."
        );
        assert_eq!(
            function.attributes(),
            [
                "LIBNBD_ATTRIBUTE_ALLOC_DEALLOC(__builtin_free)",
                "LIBNBD_ATTRIBUTE_NONNULL(1)"
            ]
        );
        assert_eq!(
            function.states().unwrap(),
            "The handle can be in any state but newly created."
        );
        assert_eq!(function.since(), "1.8");
    }

    /// The parameters that must not be `NULL`, as the header declares them.
    fn nonnull(header: &str, function: &str) -> Vec<u64> {
        let start = header
            .find(&format!("{function}("))
            .unwrap_or_else(|| panic!("{function} is not in the header"));
        let declaration = header[start..].split(';').next().unwrap();
        let Some((_, list)) = declaration.split_once("LIBNBD_ATTRIBUTE_NONNULL(") else {
            return Vec::new();
        };
        list.trim_end_matches(')')
            .split(", ")
            .map(|position| position.parse().unwrap())
            .collect()
    }

    #[test]
    fn pointers_that_must_not_be_null_are_those_of_the_interface() {
        for (header, description, rows) in [
            (
                include_str!("../include/libnbd.h"),
                include_str!("data/api.json"),
                table::ALL,
            ),
            (
                include_str!("../include/libnbdx.h"),
                include_str!("data/libnbdx.json"),
                table::EXTENSION,
            ),
        ] {
            let interface: Value = serde_json::from_str(description).unwrap();
            let functions = interface["functions"].as_array().unwrap();
            assert_eq!(functions.len(), rows.len());
            for function in functions {
                let name = function["name"].as_str().unwrap();
                let expected: Vec<u64> =
                    serde_json::from_value(function["nonnull"].clone()).unwrap();
                // A mention in a comment is not followed by a parenthesis.
                assert_eq!(nonnull(header, name), expected, "{name}");
            }
        }
    }

    #[test]
    fn only_a_phrase_or_names_before_a_colon_are_a_tag() {
        let tag = |item: &str| match blocks(&[item]).remove(0) {
            Block::Item(tag, _) => tag,
            other => panic!("{other:?}"),
        };
        assert_eq!(tag("- dead: it broke."), Some("dead".to_owned()));
        let names = ["`nbd_can_something`"; 6].join(", ");
        assert_eq!(tag(&format!("- {names}: what it offers.")), Some(names));
        assert_eq!(tag("- It ends. Then: nothing."), None);
        let sentence =
            "a sentence in which there is a colon somewhere behind its middle, ".repeat(2);
        assert_eq!(tag(&format!("- {sentence}so: it goes on.")), None);
        assert_eq!(tag("- no colon"), None);
    }
}
