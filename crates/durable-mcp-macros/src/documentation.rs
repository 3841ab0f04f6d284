//! Doc comments.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Attribute, Expr, ExprLit, Lit, Meta};

/// The text of doc comments, as an expression. Paragraphs and lines stay as they are.
pub(crate) fn description(attributes: &[Attribute]) -> Option<TokenStream> {
    let lines: Vec<&Expr> = attributes.iter().filter_map(doc).collect();
    let texts: Option<Vec<String>> = lines.iter().copied().map(text).collect();
    if let Some(texts) = texts {
        let joined = texts.join("\n");
        let text = joined.trim();
        return (!text.is_empty()).then(|| quote!(#text));
    }
    // One of them is computed, as by `#[doc = include_str!("..")]`.
    let mut parts = Vec::new();
    for line in lines {
        if !parts.is_empty() {
            parts.push(quote!("\n"));
        }
        parts.push(text(line).map_or_else(|| quote!(#line), |text| quote!(#text)));
    }
    Some(quote!(::core::concat!(#(#parts),*)))
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
