//! The steps of an attribute: options and function are read, checked and written anew.

use proc_macro2::TokenStream;
use quote::quote;

use crate::arguments::Parameters;
use crate::documentation::description;
use crate::expansion::{Expansion, replacement};
use crate::feature::Feature;
use crate::function::Function;
use crate::options::Options;
use crate::template;

/// Code for the attribute of `feature` above `item`, or the compiler's errors for what does not fit.
pub(crate) fn expand(feature: Feature, options: TokenStream, item: &TokenStream) -> TokenStream {
    let function = match Function::read(feature, item) {
        Ok(function) => function,
        Err(error) => {
            let error = error.into_compile_error();
            return quote!(#error #item);
        }
    };
    match Expansion::read(feature, options, &function) {
        Ok(expansion) => expansion.code(),
        Err(error) => {
            // The stub lets `.with(..)` compile, so these errors are the only ones.
            let stub = replacement(feature, &function, &quote!(::core::unreachable!()));
            let error = error.into_compile_error();
            quote!(#error #stub)
        }
    }
}

impl<'a> Expansion<'a> {
    fn read(feature: Feature, options: TokenStream, function: &'a Function) -> syn::Result<Self> {
        let options = Options::read(feature, options);
        let parameters = Parameters::read(feature, &function.signature);
        let ((), (options, parameters)) = both(function.check(feature), both(options, parameters))?;
        let description = match &options.description {
            Some(given) => Some(given.clone()),
            None => description(&function.attributes),
        };
        if description.is_none() {
            feature.check_without_description(&function.signature.ident)?;
        }
        template::check(feature, &options, &parameters)?;
        Ok(Self {
            feature,
            function,
            options,
            parameters,
            description,
        })
    }
}

/// Both values, or the errors of both.
pub(crate) fn both<A, B>(a: syn::Result<A>, b: syn::Result<B>) -> syn::Result<(A, B)> {
    match (a, b) {
        (Ok(a), Ok(b)) => Ok((a, b)),
        (Err(mut error), Err(other)) => {
            error.combine(other);
            Err(error)
        }
        (Err(error), _) | (_, Err(error)) => Err(error),
    }
}

/// The values, or the errors of all that have one.
pub(crate) fn all<T>(results: impl IntoIterator<Item = syn::Result<T>>) -> syn::Result<Vec<T>> {
    let mut all = Ok(Vec::new());
    for result in results {
        all = both(all, result).map(|(mut values, value)| {
            values.push(value);
            values
        });
    }
    all
}
