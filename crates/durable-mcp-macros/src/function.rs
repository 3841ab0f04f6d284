//! The function below an attribute.

use proc_macro2::{Group, TokenStream};
use syn::parse::{Parse, ParseStream, Parser};
use syn::spanned::Spanned;
use syn::{Attribute, Error, Safety, Signature, Visibility};

use crate::attribute::all;
use crate::feature::Feature;

/// A function, whose body is not looked at: its errors are for the compiler to tell.
pub(crate) struct Function {
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) visibility: Visibility,
    pub(crate) signature: Signature,
    pub(crate) body: Group,
}

impl Function {
    /// Reads the item below the attribute of `feature`.
    pub(crate) fn read(feature: Feature, item: &TokenStream) -> syn::Result<Self> {
        Self::parse.parse2(item.clone()).map_err(|_| {
            let attribute = feature.attribute();
            Error::new_spanned(item, format!("`{attribute}` stands above an `async fn`"))
        })
    }

    /// Checks all of the signature but its arguments.
    pub(crate) fn check(&self, feature: Feature) -> syn::Result<()> {
        let signature = &self.signature;
        let (noun, name) = (feature.noun(), &signature.ident);
        let refused = |span, text: String| Err(Error::new(span, text));
        let not_async = match signature.asyncness {
            Some(_) => Ok(()),
            None => refused(
                signature.fn_token.span,
                format!("a {noun} is an `async fn`: write `async fn {name}`"),
            ),
        };
        let generic = if signature.generics.params.is_empty() {
            Ok(())
        } else {
            refused(
                signature.generics.span(),
                format!("a {noun} is not generic: write its types"),
            )
        };
        let abi = match &signature.abi {
            Some(abi) => refused(abi.span(), format!("a {noun} is a plain `async fn`")),
            None => Ok(()),
        };
        let qualifiers = match (&signature.safety, &signature.constness) {
            (Safety::Default, None) => Ok(()),
            _ => refused(
                signature.fn_token.span,
                format!("a {noun} is a plain `async fn`, neither `unsafe` nor `const`"),
            ),
        };
        all([not_async, generic, abi, qualifiers]).map(drop)
    }
}

impl Parse for Function {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        Ok(Self {
            attributes: input.call(Attribute::parse_outer)?,
            visibility: input.parse()?,
            signature: input.parse()?,
            body: input.parse()?,
        })
    }
}
