//! Doc comments.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Attribute, Expr, ExprLit, Lit, Meta};

/// The text of doc comments, as an expression. Paragraphs and lines stay as they are.
pub(crate) fn description(attributes: &[Attribute]) -> Option<TokenStream> {
    let lines: Vec<&Expr> = attributes.iter().filter_map(doc).collect();
    let texts: Option<Vec<String>> = lines.iter().copied().map(text).collect();
    match texts {
        Some(texts) => {
            let joined = texts.join("\n");
            let text = joined.trim();
            (!text.is_empty()).then(|| quote!(#text))
        }
        // `#[doc = include_str!("..")]`
        None => Some(quote!(::core::concat!(#(#lines),*))),
    }
}

/// True for a doc comment.
pub(crate) fn is_doc(attribute: &Attribute) -> bool {
    doc(attribute).is_some()
}

fn doc(attribute: &Attribute) -> Option<&Expr> {
    match &attribute.meta {
        Meta::NameValue(pair) if pair.path.is_ident("doc") => Some(&pair.value),
        _ => None,
    }
}

/// A line without the space that follows its slashes.
fn text(line: &Expr) -> Option<String> {
    match line {
        Expr::Lit(ExprLit {
            lit: Lit::Str(text),
            ..
        }) => {
            let text = text.value();
            Some(text.strip_prefix(' ').unwrap_or(&text).to_owned())
        }
        _ => None,
    }
}
